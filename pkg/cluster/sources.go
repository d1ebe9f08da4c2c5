package cluster

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// SourceSet takes the sources to watch.
type SourceSet interface{ SetSources([]gitindex.Source) }

// Sources follows the cluster's GitSources: each replica does.
type Sources struct {
	reader client.Reader
	set    SourceSet
}

// AddSources makes m follow GitSources into set.
func AddSources(m ctrl.Manager, set SourceSet) error {
	s := &Sources{reader: m.GetClient(), set: set}
	err := ctrl.NewControllerManagedBy(m).Named("gitsource").For(&v1alpha1.GitSource{}).
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		Complete(s)
	if err != nil {
		return fmt.Errorf("watching GitSources: %w", err)
	}
	return m.Add(&loader{m: m, load: s.load})
}

// Reconcile takes up all sources again: unchanged ones are left undisturbed.
func (s *Sources) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	return reconcile.Result{}, s.load(ctx)
}

func (s *Sources) load(ctx context.Context) error {
	var list v1alpha1.GitSourceList
	if err := s.reader.List(ctx, &list); err != nil {
		return fmt.Errorf("listing GitSources: %w", err)
	}
	sources := make([]gitindex.Source, 0, len(list.Items))
	for i := range list.Items {
		if source, ok := config.Source(list.Items[i]); ok {
			sources = append(sources, source)
		}
	}
	s.set.SetSources(sources)
	return nil
}
