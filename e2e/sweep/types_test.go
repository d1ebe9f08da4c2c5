package sweep

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// types know which members an object may have: from client-go for built-in
// kinds, and from the definitions in the corpus for custom ones.
type types struct {
	schema *schema.Schema
	custom map[kschema.GroupVersionKind]schema.TypeRef
}

func newTypes(things []*thing) (*types, error) {
	known, err := applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(&corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
	})
	if err != nil {
		return nil, fmt.Errorf("loading the schema of the built-in kinds: %w", err)
	}
	t := &types{schema: known.Schema(), custom: map[kschema.GroupVersionKind]schema.TypeRef{}}
	for _, thing := range things {
		if thing.git["kind"] == "CustomResourceDefinition" {
			t.define(thing.git)
		}
	}
	return t, nil
}

func (t *types) define(crd map[string]any) {
	group, _, _ := unstructured.NestedString(crd, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(crd, "spec", "versions")
	for _, version := range versions {
		v := version.(map[string]any)
		structure, _, _ := unstructured.NestedMap(v, "schema", "openAPIV3Schema")
		ref := converted(structure)
		if ref.Inlined.Map != nil {
			metadata := objectMeta
			ref.Inlined.Map.Fields = append(ref.Inlined.Map.Fields, schema.StructField{Name: "metadata", Type: schema.TypeRef{NamedType: &metadata}})
		}
		t.custom[kschema.GroupVersionKind{Group: group, Version: v["name"].(string), Kind: kind}] = ref
	}
}

// anything is the type of a value that no schema describes.
var anything = schema.TypeRef{Inlined: schema.Atom{Scalar: new(schema.Scalar("untyped"))}}

// converted is an OpenAPI schema as far as making up values needs it.
func converted(structure map[string]any) schema.TypeRef {
	var atom schema.Atom
	switch structure["type"] {
	case "object":
		atom.Map = &schema.Map{}
		properties, _ := structure["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			atom.Map.Fields = append(atom.Map.Fields, schema.StructField{Name: name, Type: converted(properties[name].(map[string]any))})
		}
		if element, ok := structure["additionalProperties"].(map[string]any); ok {
			atom.Map.ElementType = converted(element)
		} else if structure["x-kubernetes-preserve-unknown-fields"] == true {
			atom.Map.ElementType = anything
		}
		if structure["x-kubernetes-embedded-resource"] == true {
			for _, name := range []string{"apiVersion", "kind", "metadata"} {
				atom.Map.Fields = append(atom.Map.Fields, schema.StructField{Name: name, Type: anything})
			}
		}
	case "array":
		items, _ := structure["items"].(map[string]any)
		atom.List = &schema.List{ElementType: converted(items), ElementRelationship: schema.Atomic}
		switch structure["x-kubernetes-list-type"] {
		case "set":
			atom.List.ElementRelationship = schema.Associative
		case "map":
			atom.List.ElementRelationship = schema.Associative
			atom.List.Keys, _, _ = unstructured.NestedStringSlice(structure, "x-kubernetes-list-map-keys")
		}
	case "integer", "number":
		atom.Scalar = new(schema.Numeric)
	case "boolean":
		atom.Scalar = new(schema.Boolean)
	case "string":
		atom.Scalar = new(schema.String)
	default:
		return anything
	}
	return schema.TypeRef{Inlined: atom}
}

// of returns the type of an object.
func (t *types) of(object map[string]any) schema.TypeRef {
	gvk := (&unstructured.Unstructured{Object: object}).GroupVersionKind()
	if ref, ok := t.custom[gvk]; ok {
		return ref
	}
	if typed, err := scheme.Scheme.New(gvk); err == nil {
		if named, ok := typed.(interface{ OpenAPIModelName() string }); ok {
			name := named.OpenAPIModelName()
			return schema.TypeRef{NamedType: &name}
		}
	}
	return schema.TypeRef{}
}

func (t *types) atom(ref schema.TypeRef) schema.Atom {
	atom, _ := t.schema.Resolve(ref)
	return atom
}

// at is the type of a field.
func (t *types) at(ref schema.TypeRef, f field) schema.TypeRef {
	for _, step := range f {
		atom := t.atom(ref)
		switch s := step.(type) {
		case string:
			if atom.Map == nil {
				return schema.TypeRef{}
			}
			if member, ok := atom.Map.FindField(s); ok {
				ref = member.Type
			} else {
				ref = atom.Map.ElementType
			}
		case int:
			if atom.List == nil {
				return schema.TypeRef{}
			}
			ref = atom.List.ElementType
		}
	}
	return ref
}
