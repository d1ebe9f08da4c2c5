package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/cluster"
	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// backportSource says where to read what is rendered.
type backportSource struct {
	access access
	config string
	paths  []string
}

func (b *backportSource) bind(cmd *cobra.Command) {
	b.access.bind(cmd)
	cmd.Flags().StringVar(&b.config, "config", "", "folder with GitSources and GuardPolicies, as the webhook's --config; the cluster's if empty")
	cmd.Flags().StringSliceVar(&b.paths, "path", nil, "folder of the repository that is rendered, from its root, instead of those that sources name; may be given again")
	cmd.MarkFlagsMutuallyExclusive("config", "path")
	_ = cmd.MarkFlagDirname("config") // it errs only for a flag that isn't there
}

// findings are what is known of a work tree and of an object.
type findings struct {
	sources  []gitindex.Source
	policies []v1alpha1.GuardPolicy
	record   *emergency // nil if there is none
}

// find reads what the cluster knows. What can't be read, and can be done without,
// is said.
func (b *backportSource) find(ctx context.Context, tree *workTree, object *target, said io.Writer) (findings, error) {
	access, _, err := b.access.config()
	if err != nil {
		return findings{}, err
	}
	reader, err := b.access.client()
	if err != nil {
		return findings{}, err
	}
	var found findings
	if found.record, err = latestEmergency(ctx, reader, object.key()); err != nil {
		fmt.Fprintf(said, "warning: %v; so only fields that Git declares are looked at\n", err)
	}
	var sources []gitindex.Source
	switch {
	case len(b.paths) > 0:
		source := gitindex.Source{Name: "--path"}
		for _, at := range b.paths {
			source.Locations = append(source.Locations, gitindex.Location{Path: path.Clean(at), Namespace: object.namespace})
		}
		found.sources = []gitindex.Source{source}
		found.policies = readPolicies(ctx, reader, said)
		return found, nil
	case b.config != "":
		c, err := config.LoadDir(b.config)
		if err != nil {
			return findings{}, err
		}
		sources, found.policies = c.GitSources(), c.Policies
	default:
		if sources, err = clusterSources(ctx, access, reader, said); err != nil {
			return findings{}, err
		}
		found.policies = readPolicies(ctx, reader, said)
	}
	found.sources, err = tree.of(sources)
	return found, err
}

// clusterSources are the sources that the cluster's GitSources stand for.
func clusterSources(ctx context.Context, access *rest.Config, reader client.Client, said io.Writer) ([]gitindex.Source, error) {
	var list v1alpha1.GitSourceList
	if err := reader.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("%w; or name the folder that is rendered with --path", unread("GitSources", err))
	}
	var all []gitindex.Source
	for i := range list.Items {
		sources, err := cluster.SourcesOf(ctx, access, reader, &list.Items[i])
		if err != nil {
			fmt.Fprintf(said, "warning: the sources of GitSource %s can't be found: %v\n", list.Items[i].Name, err)
		}
		all = append(all, sources...)
	}
	return all, nil
}

// readPolicies does without those that can't be read: they say which fields are
// somebody else's.
func readPolicies(ctx context.Context, reader client.Reader, said io.Writer) []v1alpha1.GuardPolicy {
	var list v1alpha1.GuardPolicyList
	if err := reader.List(ctx, &list); err != nil {
		fmt.Fprintf(said, "warning: %v; fields that they ignore are taken for changes\n", unread("GuardPolicies", err))
	}
	for i := range list.Items {
		list.Items[i].SetDefaults()
	}
	return list.Items
}

// emergency is what records say of an object.
type emergency struct {
	name, by, reason string
	fields           []string // that were changed
}

// latestEmergency is the one in which an object was changed: the open ones
// together, or the latest that Git hasn't caught up with; nil if there is none.
func latestEmergency(ctx context.Context, reader client.Reader, object gitindex.Key) (*emergency, error) {
	records, err := readEmergencies(ctx, reader, true)
	if err != nil {
		return nil, err
	}
	var found *emergency
	for i := range records.Items { // open ones first
		record := &records.Items[i]
		fields := changedIn(record, object)
		switch {
		case len(fields) == 0, record.Status.State == v1alpha1.BreakGlassReconciled:
		case found == nil:
			found = &emergency{record.Name, record.Spec.OpenedBy.Name, record.Spec.Reason, fields}
		case record.IsOpen():
			found.fields = append(found.fields, fields...)
		}
	}
	return found, nil
}

// changedIn are the fields of an object that were changed in an emergency.
func changedIn(record *v1alpha1.BreakGlass, object gitindex.Key) []string {
	for _, changed := range record.Status.Changes {
		o := changed.Object
		if (gitindex.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}) == object {
			return slices.Clone(changed.Fields)
		}
	}
	return nil
}
