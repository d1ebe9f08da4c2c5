package fields

import (
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// IsBuiltIn reports whether an API group is one of those that have Go types.
func (t *Types) IsBuiltIn(group string) bool { return t.scheme.IsGroupRegistered(group) }

// Kinds returns the kinds of that name that have a Go type, in every version: in
// one group, or in all for "*".
func (t *Types) Kinds(group, kind string) []kschema.GroupVersionKind {
	var found []kschema.GroupVersionKind
	for _, version := range t.scheme.PrioritizedVersionsAllGroups() {
		gvk := version.WithKind(kind)
		if (group == "*" || group == version.Group) && t.HasGoType(gvk) {
			found = append(found, gvk)
		}
	}
	return found
}

// Has reports whether objects of a kind that has a Go type may hold a field that
// the pattern names.
func (t *Types) Has(gvk kschema.GroupVersionKind, p Pattern) bool {
	_, ref, ok := t.typed(gvk)
	return ok && t.holds(ref, p.steps)
}

func (t *Types) holds(ref schema.TypeRef, steps []string) bool {
	if len(steps) == 0 {
		return true
	}
	atom, ok := t.schema.Resolve(ref)
	if !ok || atom.Scalar != nil && (atom.Map != nil || atom.List != nil) {
		return true // it may be anything
	}
	step, selector := strings.TrimSuffix(strings.TrimPrefix(steps[0], "["), "]"), strings.HasPrefix(steps[0], "[")
	switch {
	case atom.List != nil && selector:
		return t.holds(atom.List.ElementType, steps[1:])
	case atom.Map == nil:
		return false
	}
	if f, ok := atom.Map.FindField(step); ok {
		return t.holds(f.Type, steps[1:])
	}
	if steps[0] == "[*]" && len(atom.Map.Fields) > 0 {
		for _, f := range atom.Map.Fields {
			if t.holds(f.Type, steps[1:]) {
				return true
			}
		}
		return false
	}
	return len(atom.Map.Fields) == 0 && t.holds(atom.Map.ElementType, steps[1:])
}
