package backport

import (
	"path"
	"reflect"
	"slices"
	"strings"
)

// maxValues bounds how many values of a chart are tried for a field: each try
// renders it.
const maxValues = 20

// inValues are the ways to set a field by a chart's values: those that Git's
// value is equal to, or that its text contains.
func (b *bringing) inValues(field *change, target *rendering) []proposal {
	files := target.files()
	slices.Sort(files)
	if field.old == nil || field.gone || !slices.ContainsFunc(files, func(file string) bool { return path.Base(file) == "Chart.yaml" }) {
		return nil
	}
	var all []proposal
	for _, file := range files {
		switch path.Ext(file) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		text, ok := b.read(file)
		if !ok || path.Base(file) == "Chart.yaml" || strings.Contains("/"+file, "/templates/") || strings.Contains("/"+file, "/crds/") {
			continue
		}
		for _, text := range rewritten(text, func(document any) []any { return substituted(document, field.old, field.value) }) {
			if all = append(all, proposal{file, text}); len(all) == maxValues {
				return all
			}
		}
	}
	return all
}

// substituted are the values in each of which one place that makes a field old
// makes it fresh.
func substituted(value, old, fresh any) []any {
	if reflect.DeepEqual(value, old) {
		return []any{fresh}
	}
	var ways []any
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sortedNames(v) {
			for _, other := range substituted(v[name], old, fresh) {
				ways = append(ways, with(v, name, other))
			}
		}
	case []any:
		for i := range v {
			for _, other := range substituted(v[i], old, fresh) {
				ways = append(ways, replaced(v, i, other))
			}
		}
	case string:
		was, ok := old.(string)
		is, also := fresh.(string)
		before, after, found := strings.Cut(was, v)
		if !ok || !also || !found || v == "" || len(is) < len(before)+len(after) {
			break
		}
		if rest, ok := strings.CutPrefix(is, before); ok {
			if rest, ok = strings.CutSuffix(rest, after); ok {
				ways = append(ways, rest)
			}
		}
	}
	return ways
}
