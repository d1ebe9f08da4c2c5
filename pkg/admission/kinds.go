package admission

import (
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

// Kind returns the kind of a resource. A resource that nobody knows is its own
// kind: nothing in Git is declared as such.
func (k *Kinds) Kind(resource kschema.GroupVersionResource) string {
	if kind, ok := k.builtin[resource.GroupResource()]; ok {
		return kind
	}
	if k.mapper != nil {
		if gvk, err := k.mapper.KindFor(resource); err == nil {
			return gvk.Kind
		}
	}
	return resource.Resource
}
