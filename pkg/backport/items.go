package backport

import (
	"fmt"
	"strconv"
	"strings"
)

// keysIn are the keys that an item has.
func keysIn(item, keys map[string]any) map[string]any {
	has := map[string]any{}
	for name := range keys {
		if item[name] != nil {
			has[name] = item[name]
		}
	}
	return has
}

// behind is the place in a list behind the last of those that come before.
func behind(list, before []any) int {
	for i := len(before) - 1; i >= 0; i-- {
		for j, item := range list {
			if sameItem(item, before[i]) {
				return j + 1
			}
		}
	}
	if len(before) == 0 {
		return 0
	}
	return len(list)
}

// sameItem reports whether two items are one, by their names or as a whole.
func sameItem(a, b any) bool {
	x, ok := a.(map[string]any)
	y, also := b.(map[string]any)
	if ok && also {
		return x["name"] != nil && x["name"] == y["name"]
	}
	return !ok && !also && fmt.Sprint(a) == fmt.Sprint(b)
}

// find is the index of the item that a selector means; -1 if there is none.
func find(list []any, selector string) int {
	keys, keyed := keysOf(selector)
	for i, item := range list {
		if m, ok := item.(map[string]any); ok && keyed && matches(m, keys) || !ok && fmt.Sprint(item) == selector {
			return i
		}
	}
	if i, err := strconv.Atoi(selector); err == nil && i >= 0 && i < len(list) {
		return i
	}
	return -1
}

// matches reports whether an item has the keys, or leaves those out that have
// defaults.
func matches(item, keys map[string]any) bool {
	found := false
	for name, want := range keys {
		switch have := item[name]; {
		case have == nil:
		case fmt.Sprint(have) != want:
			return false
		default:
			found = true
		}
	}
	return found
}

// keysOf takes a selector such as containerPort=80,protocol=TCP apart. The
// values are text.
func keysOf(selector string) (map[string]any, bool) {
	keys := map[string]any{}
	for selector != "" {
		name, rest, ok := strings.Cut(selector, "=")
		if !ok {
			return nil, false
		}
		value, after, _ := strings.Cut(rest, ",")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			value, _ = strconv.Unquote(quoted)
			after = strings.TrimPrefix(rest[len(quoted):], ",")
		}
		keys[name], selector = value, after
	}
	return keys, len(keys) > 0
}
