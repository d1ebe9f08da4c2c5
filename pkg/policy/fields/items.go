package fields

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// items is an associative list by key.
type items struct {
	keys  []string // in the list's order
	byKey map[string]any
}

func (i items) has(key string) bool { _, ok := i.byKey[key]; return ok }

func (i items) only(wanted func(string) bool) []string {
	var keys []string
	for _, key := range i.keys {
		if wanted(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// items keys a list; ok is false if two items have the same key, or one has
// none.
func (w *walk) items(l *schema.List, list []any) (_ items, ok bool) {
	keyed := items{keys: make([]string, 0, len(list)), byKey: make(map[string]any, len(list))}
	for _, item := range list {
		key, ok := w.key(l, item)
		if !ok || keyed.has(key) {
			return items{}, false
		}
		keyed.keys = append(keyed.keys, key)
		keyed.byKey[key] = item
	}
	return keyed, true
}

// key is the selector of an item, as in a field path: the value itself in a
// set, else key=value pairs in the schema's order, defaults filled in.
func (w *walk) key(l *schema.List, item any) (string, bool) {
	if len(l.Keys) == 0 {
		return fmt.Sprint(plain(item)), scalar(item)
	}
	object, ok := item.(map[string]any)
	if !ok {
		return "", false
	}
	element := w.types.atom(l.ElementType).Map
	pairs := make([]string, 0, len(l.Keys))
	for _, name := range l.Keys {
		if hides(object[name]) {
			return "", false // nobody can tell which item it is
		}
		value := plain(object[name])
		if value == nil {
			value = defaultOf(element, name)
		}
		if value == nil {
			continue
		}
		text := fmt.Sprint(value)
		if strings.ContainsAny(text, `,="]`) {
			text = strconv.Quote(text) // or two items could have one selector
		}
		pairs = append(pairs, name+"="+text)
	}
	return strings.Join(pairs, ","), len(pairs) > 0
}

func defaultOf(m *schema.Map, name string) any {
	if m == nil {
		return nil
	}
	f, _ := m.FindField(name)
	return f.Default
}

func scalar(value any) bool {
	switch value.(type) {
	case nil, opaque, map[string]any, []any:
		return false
	}
	return true
}
