package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// finder finds the sources of one GitSource.
type finder interface {
	Find(ctx context.Context, cluster discover.Cluster) discover.Found
}

// finderOf returns what finds a GitSource's sources, and the kinds that it
// reads.
func finderOf(item *v1alpha1.GitSource) (finder, []kschema.GroupKind, error) {
	switch spec := item.Spec; {
	case spec.ArgoCD != nil:
		selector, err := selectorOf(spec.ArgoCD.Selector)
		if err != nil {
			return nil, nil, fmt.Errorf("spec.argoCD.selector: %w", err)
		}
		return discover.ArgoCD{Namespace: spec.ArgoCD.Namespace, Selector: selector, Destinations: spec.ArgoCD.Destinations}, argoCDKinds, nil
	case spec.Flux != nil:
		selector, err := selectorOf(spec.Flux.Selector)
		if err != nil {
			return nil, nil, fmt.Errorf("spec.flux.selector: %w", err)
		}
		return discover.Flux{Namespace: spec.Flux.Namespace, Selector: selector}, fluxKinds, nil
	}
	return nil, nil, fmt.Errorf("GitSource %s has none of spec.git, spec.argoCD and spec.flux: set one", item.Name)
}

func selectorOf(selector *metav1.LabelSelector) (labels.Selector, error) {
	if selector == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(selector)
}
