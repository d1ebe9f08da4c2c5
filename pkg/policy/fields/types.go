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

// Types knows how kinds are spelled, and how their lists merge: those that have
// a Go type by that, others by the schema that the API server publishes. Kinds
// of which neither is known are compared by their JSON alone: maps by key,
// lists as a whole. It is safe for concurrent use.
type Types struct {
	scheme  *runtime.Scheme
	schema  *schema.Schema
	schemas Schemas // nil: no kind has one
	served  bool    // schema is one of schemas: it has the API server's defaults
	kept    *kept   // nil: nothing is
}

// Schemas knows the kinds that have no Go type. It is asked while requests wait.
type Schemas interface {
	// Schema returns the merge schema that a kind is in, and its type there;
	// nil if it isn't known. Neither may be changed.
	Schema(kschema.GroupVersionKind) (*schema.Schema, schema.TypeRef)

	// Unconverted reports whether the versions of a kind hold the same fields:
	// the API server changes nothing but apiVersion from one to the other.
	Unconverted(kschema.GroupKind) bool

	// Replicas returns the field of a kind that its scale changes, name by name;
	// nil if it isn't known. It may not be changed.
	Replicas(kschema.GroupVersionKind) []string
}

// NewTypes returns the types of scheme, merged as in merge. The types must say
// their OpenAPI model names, as those of k8s.io/api do.
func NewTypes(scheme *runtime.Scheme, merge *schema.Schema) *Types {
	return &Types{scheme: scheme, schema: merge}
}

// With returns the same types, and those of schemas for all other kinds.
func (t *Types) With(schemas Schemas) *Types {
	more := *t
	more.schemas = schemas
	return &more
}

// HasGoType reports whether a kind needs no schema of the API server.
func (t *Types) HasGoType(gvk kschema.GroupVersionKind) bool {
	_, _, ok := t.typed(gvk)
	return ok
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

// published returns the types of the schema that the API server publishes for a
// kind; ok is false if it isn't known.
func (t *Types) published(gvk kschema.GroupVersionKind) (_ *Types, ref schema.TypeRef, ok bool) {
	if t.schemas == nil {
		return nil, schema.TypeRef{}, false
	}
	merge, ref := t.schemas.Schema(gvk)
	if merge == nil {
		return nil, schema.TypeRef{}, false
	}
	return &Types{scheme: t.scheme, schema: merge, served: true}, ref, true
}

// of returns the types to walk an object of the kind by, and its own.
func (t *Types) of(gvk kschema.GroupVersionKind) (*Types, schema.TypeRef) {
	if _, ref, ok := t.typed(gvk); ok {
		return t, ref
	}
	if served, ref, ok := t.published(gvk); ok {
		return served, ref
	}
	return t, schema.TypeRef{Inlined: deduced}
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
