package fields

import (
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"
)

// Normalize is what is compared of a declared object.
func (t *Types) Normalize(gvk kschema.GroupVersionKind, declared []byte) (map[string]any, error) {
	return t.normalize(gvk, declared, nil)
}

// Plain is a normalized value without the marks of this package.
func Plain(value any) any { return plain(value) }

// CompareApart compares sides that share nothing, read by the library.
func (t *Types) CompareApart(u Update) (Change, error) {
	var before, after map[string]any
	if err := kjson.Unmarshal(u.Old, &before); err != nil {
		return Change{}, err
	}
	if err := kjson.Unmarshal(u.New, &after); err != nil {
		return Change{}, err
	}
	return t.compare(u, before, after)
}

// Kept is how many sides are kept, and in how many bytes.
func (t *Types) Kept() (sides, bytes int) { return t.kept.sides.Len(), t.kept.bytes }

// Keeps reports whether Git's side of an update of an object that lives in the
// clear is kept.
func (t *Types) Keeps(u Update) bool {
	_, ok := t.kept.get(sideOf{declared: u.Declared.Identity(), kind: u.Type})
	return ok
}
