package fields

import (
	"encoding/json"
	"reflect"
	"slices"
)

// unset is a value that Git spells out and the API server doesn't store, such
// as hostNetwork: false. It equals itself and absence.
type unset struct{ value any }

// absent is a member that Git's whole leaves out, where the whole has another
// shape in the version of the request. It equals absence.
type absent struct{}

// same reports whether a live value is what Git says. Absent is nil.
func same(git, live any) bool {
	switch g := git.(type) {
	case opaque:
		return false
	case absent:
		return live == nil
	case unset:
		return live == nil || same(g.value, live)
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return false
		}
		for name := range union(g, l) {
			if !same(g[name], l[name]) {
				return false
			}
		}
		return true
	case []any:
		l, ok := live.([]any)
		return ok && slices.EqualFunc(g, l, same)
	}
	return equal(git, live)
}

// equal compares two JSON values. Numbers are equal by value.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		if identical(a, b) {
			return true
		}
		for name, value := range a {
			other, ok := b[name]
			if !ok || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		if len(a) > 0 && &a[0] == &b[0] {
			return true
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case string:
		b, ok := b.(string)
		return ok && a == b
	case int64:
		if b, ok := b.(float64); ok {
			return float64(a) == b
		}
	case float64:
		if b, ok := b.(int64); ok {
			return a == float64(b)
		}
	}
	return reflect.DeepEqual(a, b)
}

// identical reports whether two maps are one that both sides share.
func identical(a, b map[string]any) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// covers reports whether live says all that Git does; what Git is silent about
// may be added in maps, by defaults. Lists must have the same length.
func covers(git, live any) bool {
	switch g := git.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return false
		}
		for name, value := range g {
			if !covers(value, l[name]) {
				return false
			}
		}
		return true
	case []any:
		l, ok := live.([]any)
		if !ok || len(g) != len(l) {
			return false
		}
		for i := range g {
			if !covers(g[i], l[i]) {
				return false
			}
		}
		return true
	}
	return same(git, live)
}

// Value is a field's value as people may see it. The zero Value is a field
// that isn't there.
type Value struct {
	Present bool
	Hidden  bool   // a Secret's value, or one that Git holds encrypted
	Text    string // compact JSON, shortened; empty if Hidden
}

// maxText keeps a value on a line of a message.
const maxText = 120

func shown(value any, secret bool) Value {
	switch v := value.(type) {
	case nil, absent:
		return Value{}
	case opaque:
		return Value{Present: true, Hidden: true}
	case unset:
		value = v.value
	}
	if secret {
		return Value{Present: true, Hidden: true}
	}
	text, err := json.Marshal(plain(value))
	if err != nil {
		return Value{Present: true, Hidden: true}
	}
	return Value{Present: true, Text: shorten(string(text), maxText)}
}

// plain replaces the marks of this package by JSON values.
func plain(value any) any {
	switch v := value.(type) {
	case opaque:
		return "(encrypted)"
	case unset:
		return v.value
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if _, ok := member.(absent); !ok {
				out[name] = plain(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	}
	return value
}

func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}
