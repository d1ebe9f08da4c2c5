// Package fields tells which fields a request changes, and whether each takes
// the value that Git declares.
//
// Every comparison has three sides: what Git says, the object before the
// request, and the object after it. Fields that the request leaves alone are
// never reported, whatever Git says of them.
package fields

import (
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// Types knows the kinds that have a Go type: how they are spelled, and how
// their lists merge. Other kinds are compared by their JSON alone: maps by
// key, lists as a whole. It is safe for concurrent use.
type Types struct {
	scheme *runtime.Scheme
	schema *schema.Schema
}

// NewTypes returns the types of scheme, merged as in merge. The types must say
// their OpenAPI model names, as those of k8s.io/api do.
func NewTypes(scheme *runtime.Scheme, merge *schema.Schema) *Types {
	return &Types{scheme: scheme, schema: merge}
}

// model is the part of a k8s.io/api type that names its schema.
type model interface{ OpenAPIModelName() string }

// typed returns an empty object of the kind and its schema; ok is false for a
// kind that has no Go type here.
func (t *Types) typed(gvk kschema.GroupVersionKind) (object runtime.Object, ref schema.TypeRef, ok bool) {
	object, err := t.scheme.New(gvk)
	if err != nil {
		return nil, schema.TypeRef{}, false
	}
	named, ok := object.(model)
	if !ok {
		return nil, schema.TypeRef{}, false
	}
	name := named.OpenAPIModelName()
	if _, ok := t.schema.FindNamedType(name); !ok {
		return nil, schema.TypeRef{}, false
	}
	return object, schema.TypeRef{NamedType: &name}, true
}

// atom resolves a reference; unknown types are deduced from the value.
func (t *Types) atom(ref schema.TypeRef) schema.Atom {
	atom, ok := t.schema.Resolve(ref)
	if !ok || (atom.Map == nil && atom.List == nil && atom.Scalar == nil) {
		return deduced
	}
	return atom
}

// field returns the type of a map's member.
func field(m *schema.Map, name string) schema.TypeRef {
	if m == nil {
		return schema.TypeRef{Inlined: deduced}
	}
	if f, ok := m.FindField(name); ok {
		return f.Type
	}
	return m.ElementType
}
