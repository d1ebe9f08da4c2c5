package fields

import (
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// at is a place in the object.
type at struct {
	path  string
	ref   schema.TypeRef
	owned bool     // inside something that Git declares as a whole
	whole bool     // must come complete if it is new: a list's item
	keys  []string // members that tell a list's item from others: the same on all sides

	above   *at          // nil for the object itself
	name    string       // which member of above it is
	among   *schema.List // of which keyed list or set it is an item; nil if it is none
	element any          // that item
	indexed bool         // it is an item of a list that is compared as a whole
}

// member is the place of a map's member.
func (a *at) member(name string, ref schema.TypeRef) at {
	return at{path: gitindex.AppendField(a.path, name), ref: ref, owned: a.owned, above: a, name: name}
}

// item is the place of an item of a keyed list or set.
func (a *at) item(selector string, l *schema.List, element any) at {
	return at{
		path: gitindex.AppendSelector(a.path, selector), ref: l.ElementType, owned: a.owned, whole: true, keys: l.Keys,
		above: a, among: l, element: element,
	}
}

// index is the place of an item of a list that is compared as a whole.
func (a *at) index(selector string, l *schema.List) at {
	place := at{
		path: gitindex.AppendSelector(a.path, selector), ref: schema.TypeRef{Inlined: deduced}, owned: a.owned, whole: true,
		above: a, indexed: true,
	}
	if l != nil {
		place.ref = l.ElementType
	}
	return place
}

// place spells a place as managedFields do; ok is false for what they have no
// spelling for.
func (w *walk) place(a at) (path fieldpath.Path, ok bool) {
	if a.above == nil {
		return nil, true
	}
	if path, ok = w.place(*a.above); !ok || a.indexed {
		return nil, false
	}
	step := fieldpath.FieldNameElement(a.name)
	if a.among != nil {
		if step, ok = w.step(a.among, a.element); !ok {
			return nil, false
		}
	}
	return append(path, step), true
}

// step spells an item of a keyed list or set.
func (w *walk) step(l *schema.List, item any) (step fieldpath.PathElement, ok bool) {
	if len(l.Keys) == 0 {
		return fieldpath.ValueElement(value.NewValueInterface(item)), scalar(item)
	}
	object, ok := item.(map[string]any)
	if !ok {
		return fieldpath.PathElement{}, false
	}
	element := w.types.atom(l.ElementType).Map
	var keys value.FieldList
	for _, name := range l.Keys {
		key := object[name]
		if key == nil {
			key = defaultOf(element, name)
		}
		if key != nil {
			keys = append(keys, value.Field{Name: name, Value: value.NewValueInterface(key)})
		}
	}
	keys.Sort()
	return fieldpath.KeyElement(keys...), len(keys) > 0
}
