package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/backport"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func backportCommand() *cobra.Command {
	var from backportSource
	var namespace, dir string
	cmd := &cobra.Command{
		Use:   "backport KIND/NAME",
		Short: "Print what was changed by hand as a patch for Git",
		Long: "Print a patch for the files in this checkout that declare an object, so that Git says what\n" +
			"the cluster has: of the fields that were changed in the object's latest emergency, or, where\n" +
			"there is no record of one, of all that Git declares. The checkout's files count as they are,\n" +
			"committed or not. Each edit is tried first: it is in the patch if it makes Git say that field,\n" +
			"and nothing else. What no edit brings is said on standard error; the exit status is then 1.",
		Example: "  kubectl gitonly backport deployment/web -n staging | git apply   # in the root of the checkout\n" +
			"  kubectl gitonly backport deployment/web -n staging --dir ~/infra > web.patch\n" +
			"  kubectl gitonly backport deployment/web -n staging --path apps/overlays/staging",
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no object is named: write KIND/NAME, such as deployment/web")
			}
			kind, name, err := splitTarget(args)
			if err != nil {
				return err
			}
			tree, err := findWorkTree(cmd.Context(), dir)
			if err != nil {
				return err
			}
			config, usual, err := from.access.config()
			if err != nil {
				return err
			}
			object, err := findTarget(config, cmp.Or(namespace, usual), kind, name)
			if err != nil {
				return err
			}
			found, err := from.find(cmd.Context(), &tree, object, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return bringBack(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), &tree, object, found)
		},
	}
	from.bind(cmd)
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "namespace of the object; the context's if empty")
	cmd.Flags().StringVar(&dir, "dir", ".", "folder in the checkout of the repository")
	return cmd
}

// key is the object's, as the index has it.
func (t *target) key() gitindex.Key {
	kind := t.mapping.GroupVersionKind
	return gitindex.Key{Group: kind.Group, Kind: kind.Kind, Namespace: t.namespace, Name: t.name}
}

// bringBack writes the patch, and says what is in it and what isn't.
func bringBack(ctx context.Context, out, said io.Writer, tree *workTree, object *target, found findings) error {
	checkout, err := backport.Read(ctx, render.New(render.Options{Child: render.OwnChild()}), tree.files, found.sources)
	if err != nil {
		return err
	}
	declared, faults := checkout.Declared(object.key()), checkout.Faults()
	if declared == nil && len(faults) > 0 {
		return fmt.Errorf("nothing that can be rendered in %s declares %s; what can't: %w", tree.root, object, errors.Join(faults...))
	}
	for _, fault := range faults {
		fmt.Fprintf(said, "warning: %v\n", fault)
	}
	if declared == nil {
		return fmt.Errorf("nothing in %s declares %s: to have it there, add its manifest to what is rendered (%s)",
			tree.root, object, listOf(paths(found.sources), "no path is"))
	}
	live, version, err := object.read(ctx, declared)
	if err != nil {
		return err
	}
	types, err := builtin.Types()
	if err != nil {
		return err
	}
	guards, err := policy.New(found.policies, types)
	if err != nil {
		return err
	}
	wanted := backport.Object{Key: object.key(), Version: version, JSON: live, Ignored: guards.Ignored(object.key())}
	if found.record != nil {
		wanted.Changed = found.record.fields
	}
	result, err := checkout.Backport(ctx, types, wanted)
	if err != nil {
		return err
	}
	if err := backport.WritePatch(out, tree.files, result.Edits); err != nil {
		return err
	}
	if result.Unread > 0 {
		fmt.Fprintf(said, "warning: %d kustomizations in %s were not rendered, as there are so many: see that the patch changes nothing for them\n", result.Unread, tree.root)
	}
	return tell(said, object, found.record, tree, &result)
}

// read returns the live object, in the version that Git declares if it is
// served.
func (t *target) read(ctx context.Context, declared *gitindex.Declared) (live []byte, version string, err error) {
	group, err := kschema.ParseGroupVersion(declared.APIVersion)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", place(declared.Origin.File, declared.Origin.Line), err)
	}
	version = group.Version
	object, err := t.in(version).Get(ctx, t.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && version != t.mapping.GroupVersionKind.Version {
		version = t.mapping.GroupVersionKind.Version // that one isn't served
		object, err = t.objects.Get(ctx, t.name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, "", fmt.Errorf("%s isn't in the cluster, and %s declares it: if it is to stay away, remove it there",
			t, place(cmp.Or(declared.Origin.File, declared.Origin.Path), declared.Origin.Line))
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", t, err)
	}
	live, err = object.MarshalJSON()
	return live, version, err
}

func paths(sources []gitindex.Source) []string {
	var all []string
	for _, source := range sources {
		for _, at := range source.Locations {
			all = append(all, at.Path)
		}
	}
	return all
}

// tell says what became of each field. The error is that some have no place.
func tell(w io.Writer, object *target, record *emergency, tree *workTree, result *backport.Result) error {
	switch {
	case len(result.Placed)+len(result.Left)+len(result.Alone) == 0:
		fmt.Fprintf(w, "The checkout says the same of %s: there is nothing to bring.\n", object)
	case record != nil:
		fmt.Fprintf(w, "%s, what was changed in the emergency of BreakGlass %s (%s: %s):\n", object, record.name, record.by, record.reason)
	default:
		fmt.Fprintf(w, "%s, where it departs from what the checkout declares (no emergency is on record that has still to be brought to Git):\n", object)
	}
	for _, p := range result.Placed {
		fmt.Fprintf(w, "  %s: %s   (in the patch: %s)\n", p.Path, saying(p.Difference), p.File)
	}
	for _, l := range result.Left {
		at := ""
		if l.File != "" {
			at = "   (" + place(l.File, l.Line) + ")"
		}
		fmt.Fprintf(w, "  %s: %s%s\n    not in the patch: %s\n", l.Path, saying(l.Difference), at, l.Why)
	}
	for _, d := range result.Alone {
		if !d.Git.Present && !d.Git.Hidden {
			continue // a default, or a controller's
		}
		fmt.Fprintf(w, "  %s: %s\n    not in the patch: it wasn't changed in the emergency\n", d.Path, saying(d))
	}
	if len(result.Edits) > 0 {
		fmt.Fprintf(w, "The patch is for git apply in %s.\n", tree.root)
		if tree.elsewhere {
			fmt.Fprintf(w, "warning: this folder isn't its root, and git apply may leave files out here without a word: use %s\n", tree.applying())
		}
	}
	if len(result.Left) > 0 {
		return errors.New("some fields are not in the patch: set them in Git by hand")
	}
	return nil
}

// saying is what Git says of a field, and what the cluster does.
func saying(d fields.Difference) string {
	says := "the cluster has it no more"
	if d.New.Present {
		says = "the cluster says " + d.New.Text
	}
	switch {
	case d.Git.Hidden || d.New.Hidden:
		return "it departs from Git's value (not shown)"
	case d.Git.Present:
		return fmt.Sprintf("Git says %s, %s", d.Git.Text, says)
	}
	return "not in Git, " + says
}
