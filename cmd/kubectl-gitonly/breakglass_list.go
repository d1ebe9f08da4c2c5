package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// listing says which emergencies are listed, and how.
type listing struct {
	list, all bool
	output    string
}

func (l *listing) bind(flags *pflag.FlagSet) {
	flags.BoolVar(&l.list, "list", false, "list the emergencies, as without an object")
	flags.BoolVar(&l.all, "all", false, "list those that are over, too")
	flags.StringVarP(&l.output, "output", "o", "", "json or yaml: the list as BreakGlasses; for people if empty")
}

func (l *listing) run(cmd *cobra.Command, from *access, namespace string) error {
	if !slices.Contains([]string{"", "json", "yaml"}, l.output) {
		return fmt.Errorf("--output=%s: it is json or yaml", l.output)
	}
	reader, err := from.client()
	if err != nil {
		return err
	}
	found, err := readEmergencies(cmd.Context(), reader, l.all)
	if err != nil {
		return err
	}
	if namespace != "" {
		found.Items = slices.DeleteFunc(found.Items, func(b v1alpha1.BreakGlass) bool { return !concerns(&b, namespace) })
	}
	return l.print(cmd.OutOrStdout(), found, time.Now())
}

// concerns reports whether an emergency is of a Namespace, or of what is in it.
func concerns(b *v1alpha1.BreakGlass, namespace string) bool {
	o := &b.Spec.Object
	return o.Namespace == namespace || o.Group == "" && o.Kind == "Namespace" && o.Name == namespace
}

// readEmergencies are the open ones first; with all those that are over, too.
func readEmergencies(ctx context.Context, reader client.Reader, all bool) (v1alpha1.BreakGlassList, error) {
	var found v1alpha1.BreakGlassList
	if err := reader.List(ctx, &found); err != nil {
		return found, unread("BreakGlasses", err)
	}
	found.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "BreakGlassList"}
	if !all {
		found.Items = slices.DeleteFunc(found.Items, func(b v1alpha1.BreakGlass) bool { return !b.IsOpen() })
	}
	openFirst(found.Items)
	return found, nil
}

func (l *listing) print(out io.Writer, found v1alpha1.BreakGlassList, now time.Time) error {
	switch l.output {
	case "json":
		text, err := json.MarshalIndent(found, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	case "yaml":
		text, err := yaml.Marshal(found)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	}
	if len(found.Items) == 0 {
		none := "There is no open emergency."
		if l.all {
			none = "There is no emergency on record."
		}
		_, err := fmt.Fprintln(out, none)
		return err
	}
	return printEmergencies(out, found.Items, now)
}

func printEmergencies(out io.Writer, found []v1alpha1.BreakGlass, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "OBJECT\tSTATE\tBY\tSINCE\tUNTIL\tUSES\tREASON")
	for i := range found {
		b := &found[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", objectOf(b), cmp.Or(b.Status.State, v1alpha1.BreakGlassActive), whose(b),
			at(b.Spec.From.Time), end(b, now), b.Status.UseCount, b.Spec.Reason)
	}
	return w.Flush()
}

func objectOf(b *v1alpha1.BreakGlass) string {
	o := &b.Spec.Object
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// end is when an emergency ends, or ended.
func end(b *v1alpha1.BreakGlass, now time.Time) string {
	switch until := b.Spec.Until.Time; {
	case !b.IsOpen() && b.Status.EndedAt != nil:
		return at(b.Status.EndedAt.Time)
	case !b.IsOpen():
		return at(until)
	case now.Before(until):
		return at(until) + " (" + duration.HumanDuration(until.Sub(now)) + " left)"
	default:
		return at(until) + " (over)"
	}
}
