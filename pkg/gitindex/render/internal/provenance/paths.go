package provenance

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// scalar is a value as text; maps and lists have none.
func scalar(value any) string {
	switch v := value.(type) {
	case map[string]any, []any:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// selector is how a path calls an item of a list: by its keys, else by its
// name where all have one, else by its index.
func selector(schema *fieldSchema, list []any, i int) string {
	fields, _ := list[i].(map[string]any)
	keys, merges := schema.mergeKeys()
	if merges {
		if len(keys) == 0 {
			return scalar(list[i])
		}
		if s := keyed(keys, func(key string) (string, bool) {
			value, has := fields[key]
			return scalar(value), has
		}); s != "" {
			return s
		}
	}
	if !merges && allNamed(list) {
		return "name=" + scalar(fields["name"])
	}
	return strconv.Itoa(i)
}

func keyed(keys []string, value func(string) (string, bool)) string {
	var pairs []string
	for _, key := range keys {
		if v, has := value(key); has {
			pairs = append(pairs, key+"="+v)
		}
	}
	return strings.Join(pairs, ",")
}

func allNamed(list []any) bool {
	for _, item := range list {
		fields, _ := item.(map[string]any)
		if name, ok := fields["name"].(string); !ok || name == "" {
			return false
		}
	}
	return true
}

// eachLeaf calls f for every scalar, and every map or list that is empty, in
// order of their paths.
func eachLeaf(object map[string]any, schema *fieldSchema, f func(path string, value any)) {
	leaves("", object, schema, f)
}

func leaves(path string, value any, schema *fieldSchema, f func(string, any)) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			f(path, v)
		}
		for _, name := range sortedKeys(v) {
			// To look a field up takes long, and a scalar's tells nothing.
			var below *fieldSchema
			if isStructured(v[name]) {
				below = schema.field(name)
			}
			leaves(gitindex.AppendField(path, name), v[name], below, f)
		}
	case []any:
		if len(v) == 0 {
			f(path, v)
		}
		var below *fieldSchema
		if slices.ContainsFunc(v, isStructured) {
			below = schema.element()
		}
		for i, item := range v {
			leaves(gitindex.AppendSelector(path, selector(schema, v, i)), item, below, f)
		}
	default:
		f(path, v)
	}
}

func isStructured(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// follow writes a path of names and indices as text, by what the finished
// object has at it. "-" is the last item of a list, "*" every one. The path
// ends early at a scalar that has more structure in its text; it is not ok if
// the object has nothing there.
func follow(object any, schema *fieldSchema, steps []string) (paths []string) {
	return descend("", object, schema, steps)
}

func descend(path string, value any, schema *fieldSchema, steps []string) []string {
	if len(steps) == 0 {
		return []string{path}
	}
	step := steps[0]
	switch v := value.(type) {
	case map[string]any:
		if step == "*" {
			var all []string
			for _, name := range sortedKeys(v) {
				all = append(all, descend(gitindex.AppendField(path, name), v[name], schema.field(name), steps[1:])...)
			}
			return all
		}
		child, has := v[step]
		if !has && len(steps) > 1 {
			return nil
		}
		return descend(gitindex.AppendField(path, step), child, schema.field(step), steps[1:])
	case []any:
		var all []string
		for i, item := range v {
			if selects(step, item, i, len(v)) {
				next := gitindex.AppendSelector(path, selector(schema, v, i))
				all = append(all, descend(next, item, schema.element(), steps[1:])...)
			}
		}
		return all
	case nil:
		return nil
	}
	return []string{path}
}

// selects tells whether a step of a JSON pointer or of a Kustomize path means
// an item of a list.
func selects(step string, item any, i, length int) bool {
	switch {
	case step == "*":
		return true
	case step == "-":
		return i == length-1
	case strings.HasPrefix(step, "["):
		key, want, _ := strings.Cut(strings.Trim(step, "[]"), "=")
		fields, isMap := item.(map[string]any)
		if !isMap {
			return key == "" && scalar(item) == want
		}
		return scalar(fields[key]) == want
	}
	return step == strconv.Itoa(i)
}
