package fields

import (
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// adopt spells a declared value as the API server keeps it by its published
// schema: without what the schema doesn't have, and without null where that
// says nothing. What is compared as a whole gets its defaults, as it has them in
// the cluster.
func (t *Types) adopt(ref schema.TypeRef, value any, whole bool) any {
	atom := t.atom(ref)
	switch v := value.(type) {
	case map[string]any:
		return t.adoptMap(atom.Map, v, whole)
	case []any:
		var element schema.TypeRef
		if l := atom.List; l != nil {
			element = l.ElementType
			whole = whole || l.ElementRelationship != schema.Associative
		}
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = t.adopt(element, item, whole)
		}
		return list
	}
	return value
}

func (t *Types) adoptMap(m *schema.Map, declared map[string]any, whole bool) map[string]any {
	adopted := make(map[string]any, len(declared))
	for name, value := range declared {
		switch {
		case !keeps(m, name):
		case value != nil:
			adopted[name] = t.adopt(field(m, name), value, whole || atomic(m))
		case field(m, name).Nullable:
			adopted[name] = unset{nil}
		}
	}
	if m == nil || !(whole || atomic(m)) {
		return adopted
	}
	for _, f := range m.Fields {
		if _, ok := adopted[f.Name]; !ok && f.Default != nil {
			adopted[f.Name] = t.complete(f.Type, f.Default)
		}
	}
	return adopted
}

func atomic(m *schema.Map) bool {
	return m != nil && m.ElementRelationship == schema.Atomic
}

// keeps reports whether the API server keeps a member of that name, by a schema
// that it publishes.
func keeps(m *schema.Map, name string) bool {
	if m == nil {
		return true
	}
	if _, ok := m.FindField(name); ok {
		return true
	}
	other := m.ElementType
	return other.NamedType != nil || other.Inlined != (schema.Atom{})
}

// complete is a default, with those of its own members.
func (t *Types) complete(ref schema.TypeRef, value any) any {
	atom := t.atom(ref)
	switch v := value.(type) {
	case map[string]any:
		completed := make(map[string]any, len(v))
		for name, member := range v {
			completed[name] = t.complete(field(atom.Map, name), member)
		}
		if atom.Map == nil {
			return completed
		}
		for _, f := range atom.Map.Fields {
			if _, ok := completed[f.Name]; !ok && f.Default != nil {
				completed[f.Name] = t.complete(f.Type, f.Default)
			}
		}
		return completed
	case []any:
		var element schema.TypeRef
		if atom.List != nil {
			element = atom.List.ElementType
		}
		completed := make([]any, len(v))
		for i, item := range v {
			completed[i] = t.complete(element, item)
		}
		return completed
	}
	return value
}

// defaulted reports whether all that happens to a member is that it comes with
// its default, or goes with the map that it is in. While the map stays, the API
// server lets no default go.
func (t *Types) defaulted(in schema.TypeRef, name string, before, after map[string]any) bool {
	m := t.atom(in).Map
	if m == nil {
		return false
	}
	f, ok := m.FindField(name)
	if !ok || f.Default == nil {
		return false
	}
	was, had := before[name]
	is, has := after[name]
	switch {
	case had && has:
		return false
	case has:
		return equal(t.complete(f.Type, f.Default), is)
	}
	return after == nil && equal(t.complete(f.Type, f.Default), was)
}
