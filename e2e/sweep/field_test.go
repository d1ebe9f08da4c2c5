package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// field is the way to a value in an object: names of members, indices of items.
type field []any

// with is the field one step further.
func (f field) with(step any) field { return append(slices.Clip(f), step) }

func (f field) String() string {
	path := ""
	for _, step := range f {
		switch s := step.(type) {
		case string:
			path = gitindex.AppendField(path, s)
		case int:
			path = gitindex.AppendSelector(path, fmt.Sprint(s))
		}
	}
	return path
}

// name is the last member's name on the way.
func (f field) name() string {
	for _, step := range slices.Backward(f) {
		if name, ok := step.(string); ok {
			return name
		}
	}
	return ""
}

// get returns the value at f; false if there is none.
func (f field) get(object any) (any, bool) {
	for _, step := range f {
		switch s := step.(type) {
		case string:
			m, _ := object.(map[string]any)
			value, ok := m[s]
			if !ok {
				return nil, false
			}
			object = value
		case int:
			l, _ := object.([]any)
			if s >= len(l) {
				return nil, false
			}
			object = l[s]
		}
	}
	return object, true
}

// set returns object with a value at f, and with maps on the way to it where
// there is nothing. An index at the end of a list appends. The lists and maps
// on the way are copied.
func (f field) set(object, value any) any {
	if len(f) == 0 {
		return value
	}
	switch step := f[0].(type) {
	case string:
		m, _ := object.(map[string]any)
		copied := maps.Clone(m)
		if copied == nil {
			copied = map[string]any{}
		}
		copied[step] = f[1:].set(m[step], value)
		return copied
	case int:
		l, _ := object.([]any)
		copied := slices.Clone(l)
		for len(copied) <= step {
			copied = append(copied, nil)
		}
		copied[step] = f[1:].set(copied[step], value)
		return copied
	}
	panic("a step is a name or an index")
}

// remove returns object without what is at f.
func (f field) remove(object any) any {
	last := len(f) - 1
	parent, _ := f[:last].get(object)
	switch step := f[last].(type) {
	case string:
		m := maps.Clone(parent.(map[string]any))
		delete(m, step)
		return f[:last].set(object, m)
	case int:
		return f[:last].set(object, slices.Delete(slices.Clone(parent.([]any)), step, step+1))
	}
	panic("a step is a name or an index")
}

// leaves are the fields of a value that have nothing below them.
func leaves(at field, value any) []field {
	var found []field
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			found = append(found, leaves(at.with(name), v[name])...)
		}
	case []any:
		for i, item := range v {
			found = append(found, leaves(at.with(i), item)...)
		}
	}
	if len(found) == 0 {
		return []field{at}
	}
	return found
}

// naming says how a path of a message relates to a field.
type naming int

const (
	elsewhere naming = iota
	exactly
	above
	below
)

func (n naming) String() string {
	return [...]string{"elsewhere", "exactly", "above", "below"}[n]
}

// relate compares a path as gitonly writes it with a field. sides are the
// object's states, which tell an item's keys.
func relate(path string, f field, sides ...any) naming {
	steps := gitindex.SplitPath(path)
	for i := range min(len(steps), len(f)) {
		if !slices.ContainsFunc(sides, func(side any) bool { return isStep(steps[i], f[:i+1], side) }) {
			return elsewhere
		}
	}
	switch {
	case len(steps) == len(f)-1 && f.ofItem():
		return above
	case len(steps) < len(f):
		return elsewhere
	case len(steps) > len(f):
		return below
	}
	return exactly
}

// isStep reports whether a step of a path is the last one of f.
func isStep(step string, f field, object any) bool {
	switch last := f[len(f)-1].(type) {
	case string:
		return step == last || step == "["+last+"]"
	case int:
		selector := strings.TrimSuffix(strings.TrimPrefix(step, "["), "]")
		if selector == fmt.Sprint(last) {
			return true
		}
		switch item, _ := f.get(object); item := item.(type) {
		case nil, []any:
			return false
		case map[string]any:
			return hasKeys(selector, item)
		default:
			return selector == fmt.Sprint(item)
		}
	}
	return false
}

func hasKeys(selector string, item map[string]any) bool {
	for pair := range strings.SplitSeq(selector, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return false
		}
		have, there := item[key]
		if !there && key == "protocol" {
			have = "TCP"
		}
		if fmt.Sprint(have) != value {
			return false
		}
	}
	return true
}

// ofItem reports whether the field is an item, which an atomic list is named
// for, or in one, whose key it may be.
func (f field) ofItem() bool {
	for _, step := range f[max(0, len(f)-2):] {
		if _, ok := step.(int); ok {
			return true
		}
	}
	return false
}

func clone(value any) any { return runtime.DeepCopyJSONValue(value) }
