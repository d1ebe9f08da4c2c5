package backport

import (
	"maps"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// change is what a field has to become.
type change struct {
	path  string // as fields.Difference has it
	steps []string
	git   any // the whole object as Git declares it
	live  any // and as the cluster has it
	old   any // what Git says of the field; nil if nothing
	value any // what it has to say
	gone  bool

	// ordered is for patches: Kustomize puts a patch's items before the others of
	// a list, so that those which come before have to be named, too.
	ordered bool
}

func newChange(path string, declared, live map[string]any) change {
	c := change{path: path, steps: gitindex.SplitPath(path), git: declared, live: live}
	c.old, _ = lookup(declared, c.steps)
	value, ok := lookup(live, c.steps)
	c.value, c.gone = value, !ok
	return c
}

// bare is a step without its brackets.
func bare(step string) string { return strings.TrimSuffix(strings.TrimPrefix(step, "["), "]") }

// reach is how far a change goes in a document.
type reach int

const (
	near  reach = iota // what the field is in has to be there
	deep               // it is made
	patch              // the same; and what has to go is set to null, as in a strategic merge patch
)

// in returns a document with the change made. ok is false where it can't be, or
// changes nothing.
func (c *change) in(document any, r reach) (any, bool) {
	return c.at(document, c.live, c.steps, r)
}

func (c *change) at(document, live any, steps []string, r reach) (any, bool) {
	if len(steps) == 0 {
		return clone(c.value), true
	}
	switch d := document.(type) {
	case map[string]any:
		return c.inMap(d, live, steps, r)
	case []any:
		return c.inList(d, live, steps, r)
	case nil:
		if r == near {
			return nil, false
		}
		if _, ok := live.([]any); ok {
			return c.inList(nil, live, steps, r)
		}
		return c.inMap(nil, live, steps, r)
	}
	return nil, false
}

func (c *change) inMap(document map[string]any, live any, steps []string, r reach) (any, bool) {
	name := bare(steps[0])
	member, has := document[name]
	result := maps.Clone(document)
	if result == nil {
		result = map[string]any{}
	}
	below, _ := live.(map[string]any)
	switch {
	case c.gone && r == patch && below[name] == nil:
		result[name] = nil // all that is in it is gone, too
		return result, true
	case c.gone && len(steps) == 1:
		delete(result, name)
		return result, has
	}
	if !has && len(steps) > 1 && (r == near || c.gone && r != patch) {
		return nil, false
	}
	changed, ok := c.at(member, below[name], steps[1:], r)
	if !ok {
		return nil, false
	}
	if c.gone && r != patch && isEmpty(changed) && !isEmpty(member) && below[name] == nil {
		delete(result, name) // nothing is left of it
		return result, true
	}
	result[name] = changed
	return result, true
}

func (c *change) inList(document []any, live any, steps []string, r reach) (any, bool) {
	selector := bare(steps[0])
	lives, _ := live.([]any)
	at, there := find(lives, selector), find(document, selector)
	var item any
	if at >= 0 {
		item = lives[at]
	}
	result := slices.Clone(document)
	switch {
	case c.gone && len(steps) == 1 && r == patch:
		keys, ok := keysOf(selector)
		if !ok {
			return nil, false
		}
		keys["$patch"] = "delete"
		return append(result, any(keys)), true
	case c.gone && len(steps) == 1:
		if there < 0 {
			return nil, false
		}
		return slices.Delete(result, there, there+1), true
	case there >= 0:
		changed, ok := c.at(document[there], item, steps[1:], r)
		if ok {
			result[there] = changed
		}
		return result, ok
	case item == nil || len(steps) > 1 && r == near:
		return nil, false
	}
	var fresh any
	if len(steps) > 1 {
		keys, keyed := keysOf(selector)
		m, ok := item.(map[string]any)
		if !keyed || !ok {
			return nil, false
		}
		fresh = keysIn(m, keys)
	}
	fresh, ok := c.at(fresh, item, steps[1:], r)
	if !ok {
		return nil, false
	}
	if c.ordered {
		result = c.named(result, lives[:at], steps)
	}
	return slices.Insert(result, behind(result, lives[:at]), fresh), true
}

// named adds to a patch's list the keys of those items of Git's that come before.
func (c *change) named(list, before []any, steps []string) []any {
	keys, _ := keysOf(bare(steps[0]))
	git, _ := lookup(c.git, c.steps[:len(c.steps)-len(steps)])
	declared, _ := git.([]any)
	same := func(item any) func(any) bool { return func(other any) bool { return sameItem(item, other) } }
	for i, item := range before {
		m, ok := item.(map[string]any)
		if !ok || !slices.ContainsFunc(declared, same(item)) || slices.ContainsFunc(list, same(item)) {
			continue
		}
		list = slices.Insert(list, behind(list, before[:i]), any(keysIn(m, keys)))
	}
	return list
}

// lookup finds what a path leads to.
func lookup(value any, steps []string) (any, bool) {
	for _, step := range steps {
		name := bare(step)
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[name]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i := find(v, name)
			if i < 0 {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, value != nil
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// clone copies maps and lists.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[name] = clone(member)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = clone(item)
		}
		return list
	}
	return value
}
