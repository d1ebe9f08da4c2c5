package fields_test

import (
	"maps"
	"slices"
)

// values are what an edit puts where another value was.
func values() []any {
	return []any{
		"x", "", "1", int64(0), int64(1), int64(81), 0.5, true, false, nil,
		map[string]any{}, []any{}, map[string]any{"name": "x"}, []any{"x"}, []any{map[string]any{"name": "x"}},
	}
}

// names are members that an edit adds.
var names = []string{"x", "name", "labels", "annotations", "example.com/x", "finalizers", "hostNetwork", "protocol", "", "data"}

// place is a value inside an object, and a way to put another there; nil
// removes a map's member.
type place struct {
	value any
	put   func(any)
}

func editStep(root map[string]any, script []byte) []byte {
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	p := place{value: root}
	for len(script) > 2 {
		children := p.children()
		at := next()
		if len(children) == 0 || at%8 == 7 {
			break
		}
		p = children[at%len(children)]
	}
	op, with := next(), next()
	values := values()
	value := values[with%len(values)]
	switch v := p.value.(type) {
	case map[string]any:
		if op%3 != 0 || p.put == nil {
			v[names[with%len(names)]] = values[op%len(values)]
			return script
		}
	case []any:
		if len(v) > 0 && p.put != nil {
			switch item := v[with%len(v)]; op % 5 {
			case 0: // another item of the same key
				p.put(append(slices.Clone(v), item))
				return script
			case 1:
				v = slices.Clone(v)
				slices.Reverse(v)
				p.put(v)
				return script
			case 2:
				p.put(slices.Delete(slices.Clone(v), with%len(v), with%len(v)+1))
				return script
			case 3:
				p.put(append(slices.Clone(v), value))
				return script
			}
		}
	}
	if p.put != nil {
		p.put(value)
	}
	return script
}

func (p place) children() []place {
	var children []place
	switch v := p.value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			children = append(children, place{v[name], func(other any) {
				if v[name] = other; other == nil {
					delete(v, name)
				}
			}})
		}
	case []any:
		for i := range v {
			children = append(children, place{v[i], func(other any) { v[i] = other }})
		}
	}
	return children
}
