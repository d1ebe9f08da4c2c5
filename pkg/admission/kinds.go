package admission

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds tells the kind that a resource serves: a request for a subresource
// names only the resource.
type Kinds struct {
	builtin map[kschema.GroupResource]string
	mapper  meta.RESTMapper
}

// NewKinds knows the kinds of scheme, and those of mapper, which may ask the
// API server; nil for none.
func NewKinds(scheme *runtime.Scheme, mapper meta.RESTMapper) *Kinds {
	builtin := map[kschema.GroupResource]string{}
	for gvk := range scheme.AllKnownTypes() {
		plural, _ := meta.UnsafeGuessKindToResource(gvk)
		builtin[plural.GroupResource()] = gvk.Kind
	}
	return &Kinds{builtin: builtin, mapper: mapper}
}

// Kind returns the kind of a resource. A resource that nobody serves is its own
// kind: nothing in Git is declared as such. The error is the API server's, where
// that can't be told.
func (k *Kinds) Kind(resource kschema.GroupVersionResource) (string, error) {
	if kind, ok := k.builtin[resource.GroupResource()]; ok {
		return kind, nil
	}
	if k.mapper == nil {
		return resource.Resource, nil
	}
	gvk, err := k.mapper.KindFor(resource)
	switch {
	case meta.IsNoMatchError(err):
		return resource.Resource, nil
	case err != nil:
		return resource.Resource, fmt.Errorf("finding the kind of %s: %w", resource.GroupResource(), err)
	}
	return gvk.Kind, nil
}
