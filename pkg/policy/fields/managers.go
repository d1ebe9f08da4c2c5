package fields

import (
	"maps"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// managersFields are the fields that the object's managedFields, before or after
// the request, give to one of the managers whose fields don't count. Entries that
// can't be read, and those of another version, give nothing.
func managersFields(u *Update, before, after map[string]any) *fieldpath.Set {
	fields := fieldpath.NewSet()
	if len(u.Managers) == 0 || isAutoscaler(u.Type) && u.Type.Version == "v1" { // whose fields are not as in the object
		return fields
	}
	version := u.Type.GroupVersion().String()
	for _, object := range []map[string]any{before, after} {
		metadata, _ := object["metadata"].(map[string]any)
		entries, err := entriesOf(metadata["managedFields"])
		if err != nil {
			continue
		}
		for _, e := range entries {
			if set, err := e.set(); err == nil && e.APIVersion == version && slices.Contains(u.Managers, e.Manager) {
				fields = fields.Union(set)
			}
		}
	}
	return fields
}

// disown takes the fields of a set out of a value: maps and lists that somebody
// owns parts of lose these, and go where nothing is left. A keyed list's item
// stays what it is as long as anything of it does: its keys are part of it.
func (t *Types) disown(ref schema.TypeRef, keys []string, value any, set *fieldpath.Set) (left any, empty bool) {
	switch v := value.(type) {
	case map[string]any:
		m := t.atom(ref).Map
		removed := false
		for name, member := range v {
			if slices.Contains(keys, name) {
				continue
			}
			step := fieldpath.FieldNameElement(name)
			below, parts := set.Children.Get(step)
			gone := set.Members.Has(step) && !parts
			if parts {
				if member, gone = t.disown(field(m, name), nil, member, below); !gone {
					v[name] = member
				}
			}
			if gone {
				delete(v, name)
				removed = true
			}
		}
		return v, removed && !slices.ContainsFunc(slices.Collect(maps.Keys(v)), func(name string) bool { return !slices.Contains(keys, name) })
	case []any:
		l := t.atom(ref).List
		if l == nil || l.ElementRelationship != schema.Associative {
			return v, false
		}
		kept := make([]any, 0, len(v))
		for _, item := range v {
			if item, gone := t.disownItem(l, item, set); !gone {
				kept = append(kept, item)
			}
		}
		return kept, len(v) > 0 && len(kept) == 0
	}
	return value, false
}

func (t *Types) disownItem(l *schema.List, item any, set *fieldpath.Set) (left any, gone bool) {
	w := walk{types: t}
	step, ok := w.step(l, plain(item))
	if !ok {
		return item, false
	}
	below, parts := set.Children.Get(step)
	if !parts {
		return item, set.Members.Has(step)
	}
	left, empty := t.disown(l.ElementType, l.Keys, item, below)
	return left, empty && set.Members.Has(step)
}
