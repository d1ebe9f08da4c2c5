package fields

import (
	"fmt"
	"strconv"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// Pointer is a JSON pointer (RFC 6901) to a field, and all below it.
type Pointer struct{ path []any }

// ParsePointer reads a pointer such as /spec/template/spec/containers/0/image,
// with ~1 for a slash in a name and ~0 for a tilde. The last step - names
// nothing in a list, as there is nothing behind its end. The error says what is
// wrong with it.
func ParsePointer(text string) (Pointer, error) {
	if !strings.HasPrefix(text, "/") {
		return Pointer{}, fmt.Errorf("%q is no JSON pointer to a field: write it as /spec/replicas", text)
	}
	var p Pointer
	for step := range strings.SplitSeq(text[1:], "/") {
		name := strings.NewReplacer("~0", "~", "~1", "/").Replace(step)
		if bare := strings.NewReplacer("~0", "", "~1", "").Replace(step); strings.Contains(bare, "~") {
			return Pointer{}, fmt.Errorf("%q is no JSON pointer to a field: in %s, write ~0 for ~ and ~1 for /", text, step)
		}
		p.path = append(p.path, name)
	}
	return p, nil
}

func (p Pointer) remove(object map[string]any, _ kschema.GroupVersionKind) {
	discard(object, p.path)
	sweep(object)
}

// gone stands where something was removed, so that list items keep their places
// until sweep.
type gone struct{}

// discard puts gone where a path leads. A step is a name, an item's place as a
// number or in digits, or a slice of a list: an object with start and end.
func discard(value any, path []any) {
	switch v := value.(type) {
	case unset:
		discard(v.value, path)
	case map[string]any:
		name, ok := path[0].(string)
		member, found := v[name]
		switch {
		case !ok || !found:
		case len(path) == 1:
			v[name] = gone{}
		default:
			discard(member, path[1:])
		}
	case []any:
		from, to := places(path[0], len(v))
		if _, sliced := path[0].(map[string]any); sliced && len(path) > 1 {
			discard(v[from:to], path[1:])
			return
		}
		for i := from; i < to; i++ {
			if len(path) == 1 {
				v[i] = gone{}
			} else {
				discard(v[i], path[1:])
			}
		}
	}
}

// places are the items of a list that a step names: none if to is not above from.
func places(step any, length int) (from, to int) {
	switch s := step.(type) {
	case string:
		if i, err := strconv.Atoi(s); err == nil && strconv.Itoa(i) == s && i >= 0 {
			return within(i, length), within(i+1, length)
		}
	case int:
		if s < 0 {
			s += length
		}
		if s >= 0 && s < length {
			return s, s + 1
		}
	case map[string]any:
		from, to = 0, length
		if start, ok := s["start"].(int); ok {
			from = fromEnd(start, length)
		}
		if end, ok := s["end"].(int); ok {
			to = fromEnd(end, length)
		}
		return from, max(from, to)
	}
	return 0, 0
}

func within(place, length int) int { return min(max(place, 0), length) }

// fromEnd counts negative places from the end.
func fromEnd(place, length int) int {
	if place < 0 {
		place += length
	}
	return within(place, length)
}

// sweep returns a value without what is gone. empty reports whether that leaves
// nothing of it.
func sweep(value any) (left any, empty bool) {
	switch v := value.(type) {
	case gone:
		return nil, true
	case unset:
		swept, empty := sweep(v.value)
		return unset{swept}, empty
	case map[string]any:
		had := len(v)
		for name, member := range v {
			if left, empty := sweep(member); empty {
				delete(v, name)
			} else {
				v[name] = left
			}
		}
		return v, had > 0 && len(v) == 0
	case []any:
		kept := make([]any, 0, len(v))
		for _, item := range v {
			if left, empty := sweep(item); !empty {
				kept = append(kept, left)
			}
		}
		return kept, len(v) > 0 && len(kept) == 0
	}
	return value, false
}
