package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// absence is why nothing is found at an agent: it is not in the cluster, yet.
type absence struct {
	says  string
	cause error // what came of looking all the same; nil if that says nothing more
}

func (a *absence) Error() string {
	if a.cause != nil {
		return fmt.Sprintf("%s (%v)", a.says, a.cause)
	}
	return a.says
}

func (a *absence) Unwrap() error { return a.cause }

// absence says why a GitSource's agent isn't there; nil if it seems to be. err is
// what came of looking for its sources.
func (a *agentObjects) absence(ctx context.Context, item *v1alpha1.GitSource, kinds []kschema.GroupKind, err error) error {
	agent, field, at := "Flux", "spec.flux.namespace", ""
	if item.Spec.ArgoCD != nil {
		agent, field, at = "Argo CD", "spec.argoCD.namespace", item.Spec.ArgoCD.Namespace
	} else {
		at = item.Spec.Flux.Namespace
	}
	nowhere := apierrors.IsNotFound(a.reader.Get(ctx, client.ObjectKey{Name: at}, namespace()))
	if nowhere {
		err = nil // nothing can be read where there is no namespace
	}
	switch served := a.served(kinds); {
	case !served && nowhere:
		return &absence{fmt.Sprintf("%s is not in this cluster yet: it serves none of %s's kinds, and has no namespace %s", agent, agent, at), err}
	case !served:
		return &absence{fmt.Sprintf("%s is not in this cluster yet: it serves none of %s's kinds", agent, agent), err}
	case nowhere:
		return &absence{fmt.Sprintf("there is no namespace %s for %s to be in: create it, or correct %s", at, agent, field), err}
	}
	return nil
}

// served reports whether the cluster knows any of these kinds.
func (a *agentObjects) served(kinds []kschema.GroupKind) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range kinds {
		if w, ok := a.watches[kind]; ok && w.served.Load() {
			return true
		}
	}
	return false
}
