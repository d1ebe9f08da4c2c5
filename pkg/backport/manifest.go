package backport

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"gitonly.dev/gitonly/pkg/backport/yamledit"
)

// proposal is a file with another content, which may be the one that is wanted.
type proposal struct {
	file string
	text []byte
}

// rewritten are the texts in which one document has been changed in one of the
// ways that ways returns.
func rewritten(text []byte, ways func(document any) []any) [][]byte {
	documents, err := yamledit.Documents(text)
	if err != nil {
		return nil
	}
	var texts [][]byte
	for i, document := range documents {
		for _, want := range ways(document) {
			if changed, err := yamledit.Rewrite(text, i, want); err == nil && string(changed) != string(text) {
				texts = append(texts, changed)
			}
		}
	}
	return texts
}

// inManifests are the ways to change a file of objects, or of patches.
func (c *change) inManifests(kind string, text []byte, r reach) [][]byte {
	return rewritten(text, func(document any) []any {
		switch d := document.(type) {
		case []any:
			return c.inOperations(d, r)
		case map[string]any:
			if d["kind"] == "List" || d["kind"] == kind+"List" {
				return c.inItems(kind, d, r)
			}
			if d["kind"] == kind {
				return one(c.in(d, r))
			}
		}
		return nil
	})
}

func one(value any, ok bool) []any {
	if !ok {
		return nil
	}
	return []any{value}
}

// inItems are the ways to change a List.
func (c *change) inItems(kind string, list map[string]any, r reach) []any {
	items, _ := list["items"].([]any)
	var ways []any
	for i, item := range items {
		object, ok := item.(map[string]any)
		if !ok || object["kind"] != kind {
			continue
		}
		if changed, ok := c.in(object, r); ok {
			ways = append(ways, with(list, "items", replaced(items, i, changed)))
		}
	}
	return ways
}

// inOperations are the ways to change a JSON 6902 patch: an operation has
// another value, or goes.
func (c *change) inOperations(operations []any, r reach) []any {
	var ways []any
	for i, item := range operations {
		operation, _ := item.(map[string]any)
		pointer, _ := operation["path"].(string)
		rest, ok := c.below(pointer)
		if !ok || operation["op"] == "test" {
			continue
		}
		if _, has := operation["value"]; has && !(c.gone && len(rest) == 0) {
			live, _ := lookup(c.live, c.steps[:len(c.steps)-len(rest)])
			if value, ok := c.at(operation["value"], live, rest, r); ok {
				ways = append(ways, replaced(operations, i, with(operation, "value", value)))
			}
		}
		ways = append(ways, slices.Delete(slices.Clone(operations), i, i+1))
	}
	return ways
}

// below are the steps that lead on from what a JSON pointer names to the field.
// ok is false if the field isn't there. An index may be any item of a list.
func (c *change) below(pointer string) (rest []string, ok bool) {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	if len(tokens) > len(c.steps) {
		return nil, false
	}
	for i, token := range tokens {
		step := bare(c.steps[i])
		_, err := strconv.Atoi(token)
		index := err == nil || token == "-"
		if unescape.Replace(token) != step && !(index && step != c.steps[i]) {
			return nil, false
		}
	}
	return c.steps[len(tokens):], true
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// with is a map with another value of one member.
func with(m map[string]any, name string, value any) map[string]any {
	other := maps.Clone(m)
	other[name] = value
	return other
}

// replaced is a list with another item.
func replaced(list []any, i int, item any) []any {
	other := slices.Clone(list)
	other[i] = item
	return other
}

// isKustomization tells a kustomization file by its name.
func isKustomization(file string) bool {
	switch path.Base(file) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}
