package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func breakGlassCommand() *cobra.Command {
	var from access
	var namespace string
	var asked opening
	var list listing
	var end, approve bool
	cmd := &cobra.Command{
		Use:   "break-glass [KIND/NAME --reason WHY | KIND/NAME --approve | KIND/NAME --end]",
		Short: "Open, agree to and end an emergency, or list those that are open",
		Long: "Break the glass for an object, or with namespace/NAME for all in a Namespace: whoever has\n" +
			"RBAC's verb break-glass on it may then depart from Git, until the emergency ends. Each use\n" +
			"is recorded. Where a policy has approvers, others with the verb approve-break-glass have to\n" +
			"agree first. Without an object, print the emergencies that are open.",
		Example: "  kubectl gitonly break-glass deployment/web -n staging --reason 'INC-1234 payment gateway down'\n" +
			"  kubectl gitonly break-glass namespace/staging --reason 'INC-1234 restoring' --for 2h\n" +
			"  kubectl gitonly break-glass deployment/web -n staging --approve\n" +
			"  kubectl gitonly break-glass deployment/web -n staging --end\n" +
			"  kubectl gitonly break-glass --all",
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if end || approve || asked != (opening{}) {
					return errors.New("no object is named: write KIND/NAME, such as deployment/web")
				}
				return list.run(cmd, &from, namespace)
			}
			if list != (listing{}) {
				return errors.New("--list, --all and --output list all emergencies: leave out the object, or them")
			}
			var wanted map[string]*string
			var err error
			if !approve {
				wanted, err = asked.annotations(end, time.Now())
			} else if end || asked != (opening{}) {
				err = errors.New("--approve takes no --end, --reason, --for or --until")
			}
			if err != nil {
				return err
			}
			kind, name, err := splitTarget(args)
			if err != nil {
				return err
			}
			config, usual, err := from.config()
			if err != nil {
				return err
			}
			said := &warnings{out: cmd.ErrOrStderr()}
			config.WarningHandler = said
			object, err := findTarget(config, cmp.Or(namespace, usual), kind, name)
			if err != nil {
				return err
			}
			if approve {
				reader, err := from.client()
				if err != nil {
					return err
				}
				return approveEmergency(cmd.Context(), cmd.OutOrStdout(), reader, object, said)
			}
			if end {
				return endEmergency(cmd.Context(), cmd.OutOrStdout(), object, wanted)
			}
			return openEmergency(cmd.Context(), cmd.OutOrStdout(), object, wanted, said)
		},
	}
	from.bind(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&namespace, "namespace", "n", "", "namespace of the object, the context's if empty; without an object, list those of this namespace")
	flags.StringVar(&asked.reason, "reason", "", "why; everybody who is refused meanwhile reads it")
	flags.DurationVar(&asked.length, "for", 0, "how long, such as 1h; the policy's usual time if left out")
	flags.StringVar(&asked.until, "until", "", "until when, such as 2026-03-01T12:00:00Z, instead of --for")
	flags.BoolVar(&approve, "approve", false, "agree to the emergency that somebody else asked for")
	flags.BoolVar(&end, "end", false, "end the emergency")
	list.bind(flags)
	return cmd
}

// opening is what is asked for of an emergency.
type opening struct {
	reason, until string
	length        time.Duration
}

// annotations are those that open an emergency, or with end those that end it;
// nil stands for one that is taken away.
func (o opening) annotations(end bool, now time.Time) (map[string]*string, error) {
	wanted := map[string]*string{v1alpha1.BreakGlassAnnotation: nil, v1alpha1.BreakGlassUntilAnnotation: nil}
	switch {
	case end && o != (opening{}):
		return nil, errors.New("--end takes no --reason, --for or --until")
	case end:
		return wanted, nil
	case strings.TrimSpace(o.reason) == "":
		return nil, errors.New("--reason is missing: say why, such as --reason 'INC-1234 payment gateway down'; or --end")
	case o.until != "" && o.length != 0:
		return nil, errors.New("--for and --until both say when it ends: leave one out")
	case o.length < 0:
		return nil, fmt.Errorf("--for=%s: it is longer than 0s, such as 1h", o.length)
	case o.length > 0:
		until := now.Add(o.length).UTC().Format(time.RFC3339)
		wanted[v1alpha1.BreakGlassUntilAnnotation] = &until
	case o.until != "":
		if _, err := time.Parse(time.RFC3339, o.until); err != nil {
			return nil, fmt.Errorf("--until=%s: write a time such as %s", o.until, now.Add(time.Hour).UTC().Format(time.RFC3339))
		}
		wanted[v1alpha1.BreakGlassUntilAnnotation] = &o.until
	}
	wanted[v1alpha1.BreakGlassAnnotation] = &o.reason
	return wanted, nil
}

// warnings are printed as kubectl prints those of the API server.
type warnings struct {
	out   io.Writer
	about bool // gitonly said something
	waits bool // others have to agree
	none  bool // there is no emergency, as none is needed
}

var _ rest.WarningHandler = (*warnings)(nil)

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	if code != 299 || text == "" {
		return
	}
	w.about = w.about || strings.HasPrefix(text, "gitonly: ")
	w.waits = w.waits || strings.Contains(text, v1alpha1.BreakGlassApproveAnnotation+"=")
	w.none = w.none || strings.Contains(text, "no emergency is recorded")
	fmt.Fprintf(w.out, "Warning: %s\n", text)
}

func openEmergency(ctx context.Context, out io.Writer, object *target, wanted map[string]*string, said *warnings) error {
	present, err := annotationsOf(ctx, object)
	if err != nil {
		return err
	}
	if same(present, wanted) {
		return fmt.Errorf("%s says that already, and the same words open nothing twice: kubectl gitonly break-glass lists what is open; if it is over, write another --reason", object)
	}
	if err := annotate(ctx, object, wanted); err != nil {
		return err
	}
	if !said.about {
		return fmt.Errorf("%s is annotated, but gitonly said nothing to it: no GuardPolicy guards it, or gitonly doesn't run; kubectl gitonly break-glass lists what is open", object)
	}
	if said.none {
		return nil // there is nothing to end, and nothing to bring to Git
	}
	if said.waits {
		_, err = fmt.Fprintf(out, "Ask somebody else to agree, by that or by: kubectl gitonly break-glass %s --approve\nEnd it with: kubectl gitonly break-glass %[1]s --end\n", object.args())
		return err
	}
	_, err = fmt.Fprintf(out, "Now change what has to be changed, and bring it to Git.\nEnd it with: kubectl gitonly break-glass %s --end\n", object.args())
	return err
}

func endEmergency(ctx context.Context, out io.Writer, object *target, wanted map[string]*string) error {
	present, err := annotationsOf(ctx, object)
	if err != nil {
		return err
	}
	if same(present, wanted) {
		_, err := fmt.Fprintf(out, "%s has no break-glass annotation: there is nothing to end.\n", object)
		return err
	}
	if err := annotate(ctx, object, wanted); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s has no break-glass annotation any more.\n", object)
	return err
}

func annotationsOf(ctx context.Context, object *target) (map[string]string, error) {
	live, err := object.objects.Get(ctx, object.name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", object, err)
	}
	return live.GetAnnotations(), nil
}

func same(present map[string]string, wanted map[string]*string) bool {
	for name, value := range wanted {
		is, there := present[name]
		if there != (value != nil) || there && is != *value {
			return false
		}
	}
	return true
}

func annotate(ctx context.Context, object *target, annotations map[string]*string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = object.objects.Patch(ctx, object.name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-gitonly"})
	return err // the API server's words say it all
}

// openFirst puts open emergencies before others, and later ones first.
func openFirst(found []v1alpha1.BreakGlass) {
	slices.SortStableFunc(found, func(a, b v1alpha1.BreakGlass) int {
		if open := a.IsOpen(); open != b.IsOpen() {
			if open {
				return -1
			}
			return 1
		}
		return b.Spec.From.Compare(a.Spec.From.Time)
	})
}
