package fields

import (
	"reflect"
	"slices"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// read is what Git declares, in the version of the request. Where nothing proves
// what it would be there, read is false, and the result is the metadata,
// and that there is a status.
func (t *Types) read(u *Update, live map[string]any) (git map[string]any, read bool, err error) {
	declared := u.Declared.JSON()
	if !u.skewed() {
		git, err = t.normalize(u.Type, declared, live)
		return git, true, err
	}
	from := u.Type.GroupKind().WithVersion(u.Version)
	switch {
	case u.Part == Scale && t.HasGoType(u.Type): // spec.replicas is the same in each version
		git, err = t.normalize(from, declared, live)
		return git, true, err
	case isAutoscaler(u.Type):
		if git, err = t.normalize(from, declared, live); err != nil {
			return nil, false, err
		}
		if converted, ok := convertAutoscaler(git, from.Version, u.Type.Version); ok {
			return converted, true, nil
		}
	case t.sameType(from, u.Type):
		git, err = t.normalize(u.Type, declared, live)
		return git, true, err
	case t.schemas != nil && t.schemas.Unconverted(u.Type.GroupKind()):
		if git, err = t.normalize(from, declared, live); err != nil {
			return nil, false, err
		}
		if kept, ok := t.across(u.Type, git); ok {
			return kept, true, nil
		}
	}
	git, err = t.normalize(from, declared, live)
	keep(git, "metadata", "status")
	if _, ok := git["status"]; ok {
		git["status"] = map[string]any{} // that Git declares one is all that can be said
	}
	return git, false, err
}

// across is a declared object in another version of its kind that holds the same
// fields; ok is false if that version isn't known, or hasn't all of what Git
// declares: a write of it would take that away, where nobody sees it.
func (t *Types) across(to kschema.GroupVersionKind, git map[string]any) (_ map[string]any, ok bool) {
	served, ref, ok := t.published(to)
	if !ok || !served.has(ref, git) {
		return nil, false
	}
	return served.adoptMap(served.atom(ref).Map, git, false), true
}

// has reports whether the API server would keep all of a value by the schema.
func (t *Types) has(ref schema.TypeRef, value any) bool {
	atom := t.atom(ref)
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if !keeps(atom.Map, name) || !t.has(field(atom.Map, name), member) {
				return false
			}
		}
	case []any:
		if atom.List == nil {
			return true
		}
		return !slices.ContainsFunc(v, func(item any) bool { return !t.has(atom.List.ElementType, item) })
	}
	return true
}

// respelt are the kinds of which two versions have the same fields, but not the
// same meaning: the API server changes values from one to the other.
var respelt = map[kschema.GroupKind]bool{
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}: true, // 0 was a default once
	{Group: "policy", Kind: "PodDisruptionBudget"}:                              true, // {} selected nothing once
}

// sameType reports whether two versions of a kind have the same fields, of the
// same types and meaning.
func (t *Types) sameType(a, b kschema.GroupVersionKind) bool {
	if respelt[a.GroupKind()] {
		return false
	}
	_, aref, aok := t.typed(a)
	_, bref, bok := t.typed(b)
	return aok && bok && t.alike(aref, bref, map[[2]string]bool{})
}

// alike compares two types by what they hold. Pairs that are being compared
// further up are known: types may hold themselves.
func (t *Types) alike(a, b schema.TypeRef, known map[[2]string]bool) bool {
	if !reflect.DeepEqual(a.ElementRelationship, b.ElementRelationship) {
		return false
	}
	if a.NamedType != nil && b.NamedType != nil {
		pair := [2]string{*a.NamedType, *b.NamedType}
		if pair[0] == pair[1] || known[pair] {
			return true
		}
		known[pair] = true
	}
	first, aok := t.schema.Resolve(a)
	second, bok := t.schema.Resolve(b)
	if aok != bok || (first.Map == nil) != (second.Map == nil) || (first.List == nil) != (second.List == nil) ||
		!reflect.DeepEqual(first.Scalar, second.Scalar) {
		return false
	}
	if one, two := first.List, second.List; one != nil {
		if one.ElementRelationship != two.ElementRelationship || !slices.Equal(one.Keys, two.Keys) || !t.alike(one.ElementType, two.ElementType, known) {
			return false
		}
	}
	return first.Map == nil || t.alikeMaps(first.Map, second.Map, known)
}

func (t *Types) alikeMaps(a, b *schema.Map, known map[[2]string]bool) bool {
	if a.ElementRelationship != b.ElementRelationship || len(a.Fields) != len(b.Fields) || !t.alike(a.ElementType, b.ElementType, known) {
		return false
	}
	for _, f := range a.Fields {
		other, ok := b.FindField(f.Name)
		if !ok || !reflect.DeepEqual(f.Default, other.Default) || !t.alike(f.Type, other.Type, known) {
			return false
		}
	}
	return true
}
