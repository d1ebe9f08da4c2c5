package fields

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Pattern names fields: those at a path, and all below it. A selector names
// the items of a list that have its keys (containers[name=web]), an item of a
// set or by its place, or all of them ([*]); of a map it names a member.
type Pattern struct{ steps []string }

// ParsePattern reads a path as messages write it. The error says what is wrong
// with it.
func ParsePattern(path string) (Pattern, error) {
	if pointer, ok := strings.CutPrefix(path, "/"); ok {
		return Pattern{}, fmt.Errorf("%q is no field path: write it as %s", path, strings.ReplaceAll(pointer, "/", "."))
	}
	if rest := strings.TrimSpace(path); rest != path || path == "" || strings.HasPrefix(path, ".") || strings.HasSuffix(path, ".") || strings.Contains(path, "..") {
		return Pattern{}, fmt.Errorf("%q is no field path: write it as spec.replicas or spec.template.spec.containers[name=web].image", path)
	}
	steps := gitindex.SplitPath(path)
	for _, step := range steps {
		if strings.HasPrefix(step, "[") && (!strings.HasSuffix(step, "]") || step == "[]") {
			return Pattern{}, fmt.Errorf("%q is no field path: %s is no selector such as [name=web] or [*]", path, step)
		}
	}
	return Pattern{steps: steps}, nil
}

// remove takes the fields that the pattern names out of an object, and what
// that leaves empty with them.
func (p Pattern) remove(object map[string]any, _ kschema.GroupVersionKind) {
	removeSteps(object, p.steps)
}

// removeSteps returns value without what the steps name: nil if nothing is left.
func removeSteps(value any, steps []string) any {
	if len(steps) == 0 {
		return nil
	}
	step, rest := steps[0], steps[1:]
	switch v := value.(type) {
	case map[string]any:
		name := strings.TrimSuffix(strings.TrimPrefix(step, "["), "]")
		names := []string{name}
		if step == "[*]" {
			names = names[:0]
			for member := range v {
				names = append(names, member)
			}
		}
		removed := false
		for _, name := range names {
			member, ok := v[name]
			if !ok {
				continue
			}
			if left := removeSteps(member, rest); left == nil {
				delete(v, name)
				removed = true
			} else {
				v[name] = left
			}
		}
		if removed && len(v) == 0 {
			return nil
		}
		return v
	case []any:
		left := make([]any, 0, len(v))
		for i, item := range v {
			if selects(step, i, item) {
				if item = removeSteps(item, rest); item == nil {
					continue
				}
			}
			left = append(left, item)
		}
		if len(left) == 0 && len(v) > 0 {
			return nil
		}
		return left
	}
	return value
}

// selects reports whether a selector names an item of a list.
func selects(step string, place int, item any) bool {
	selector, ok := strings.CutPrefix(step, "[")
	if !ok {
		return false
	}
	selector = strings.TrimSuffix(selector, "]")
	if selector == "*" || selector == strconv.Itoa(place) {
		return true
	}
	object, ok := item.(map[string]any)
	if !ok {
		return scalar(item) && selector == fmt.Sprint(plain(item))
	}
	return !slices.ContainsFunc(strings.Split(selector, ","), func(pair string) bool {
		name, value, ok := strings.Cut(pair, "=")
		return !ok || object[name] == nil || fmt.Sprint(plain(object[name])) != value
	})
}
