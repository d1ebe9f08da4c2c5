package fields

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// deduced is the type of what no schema describes.
var deduced = schema.Atom{
	Map:  &schema.Map{ElementRelationship: schema.Separable},
	List: &schema.List{ElementRelationship: schema.Atomic},
}

// walk goes down the three sides of a comparison together.
type walk struct {
	types   *Types
	managed *managed // nil where nothing tells who changed what
	unread  bool     // Git's spec can't be compared
	secret  bool
	hidden  [][]string // steps of fields whose values must not be shown
	changed bool
	found   []Difference
}

// value compares one place. A side that isn't there is nil.
func (w *walk) value(a at, git, before, after any) {
	if equal(before, after) {
		return
	}
	w.changed = true
	if a.owned && git == nil && after == nil {
		return // Git has the whole, and leaves this out
	}
	present := after
	if present == nil {
		present = before
	}
	switch present.(type) {
	case map[string]any:
		w.mapping(a, git, before, after)
	case []any:
		w.list(a, git, before, after)
	default:
		if git == nil || !same(git, after) {
			w.report(a, git, before, after)
		}
	}
}

func (w *walk) report(a at, git, before, after any) {
	if w.excused(a, git, before, after) {
		return
	}
	root := root(a.path)
	secret := (w.secret && (root == "data" || root == "stringData")) || hides(git)
	path, hidden := w.cover(a.path)
	if path == root {
		path = strings.Clone(path) // a name by itself is part of the object's text, which it would keep
	}
	d := Difference{
		Path:     path,
		Declared: git != nil || a.owned,
		Git:      shown(git, secret || hidden),
		Old:      shown(before, secret || hidden),
		New:      shown(after, secret || hidden),
	}
	if path != a.path { // it is of something in the field
		d.Old, d.New = Value{Present: true, Hidden: true}, Value{Present: true, Hidden: true}
		if d.Declared {
			d.Git = d.New
		}
		if slices.Contains(w.found, d) {
			return
		}
	}
	w.found = append(w.found, d)
}

// mapping compares maps and structures, member by member.
func (w *walk) mapping(a at, git, before, after any) {
	g, gok := asMap(git)
	b, bok := asMap(before)
	n, nok := asMap(after)
	switch {
	case !gok || !bok || !nok: // a map on one side, something else on the other
		if git == nil || !same(git, after) {
			w.report(a, git, before, after)
		}
		return
	case git == nil && (before == nil || after == nil):
		w.report(a, git, before, after) // all of it is new, or goes: one line says it
		return
	case after == nil && !same(git, nil) && (len(g) == 0 || a.whole || shared(g, b) > 1):
		w.report(a, git, before, after)
		return
	}
	m := w.types.atom(a.ref).Map
	filled := !a.owned // a whole of Git's own is filled in, too, once it is applied
	if git != nil && m != nil && m.ElementRelationship == schema.Atomic {
		if same(git, after) || restores(git, before, after) {
			return
		}
		a.owned, a.whole = true, true
	}
	for _, name := range changed(b, n) {
		if slices.Contains(a.keys, name) || (g[name] == nil && filled && !w.unread && w.types.filledIn(a.ref, name, b, n)) {
			continue
		}
		w.value(a.member(name, field(m, name)), g[name], b[name], n[name])
	}
	if before == nil && a.whole {
		w.missing(a, g, n)
	}
}

// missing reports what Git declares of a new item and the request leaves out.
func (w *walk) missing(a at, git, after map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(git)) {
		if _, ok := after[name]; !ok && !same(git[name], nil) && !slices.Contains(a.keys, name) {
			w.report(at{path: gitindex.AppendField(a.path, name)}, git[name], nil, nil)
		}
	}
}

// restores reports whether a request brings a value that is compared as a
// whole back to Git's, from something else. What Git is silent about may come
// with it: those are the API server's defaults.
func restores(git, before, after any) bool {
	return covers(git, after) && !covers(git, before)
}

func shared(a, b map[string]any) int {
	count := 0
	for name := range a {
		if _, ok := b[name]; ok {
			count++
		}
	}
	return count
}

// asMap is false for anything but a map or absence.
func asMap(value any) (map[string]any, bool) {
	if u, ok := value.(unset); ok {
		value = u.value
	}
	m, ok := value.(map[string]any)
	return m, ok || value == nil
}

// changed are the members that differ, in order of name.
func changed(before, after map[string]any) []string {
	var names []string
	for name, value := range before {
		if !equal(value, after[name]) {
			names = append(names, name)
		}
	}
	for name, value := range after {
		if _, ok := before[name]; !ok && value != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func union(a, b map[string]any) map[string]bool {
	names := make(map[string]bool, len(a)+len(b))
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

// list compares lists by their kind.
func (w *walk) list(a at, git, before, after any) {
	l := w.types.atom(a.ref).List
	g, gok := asList(git)
	b, bok := asList(before)
	n, nok := asList(after)
	if !gok || !bok || !nok || (git == nil && (before == nil || after == nil)) {
		if git == nil || !same(git, after) {
			w.report(a, git, before, after)
		}
		return
	}
	if l == nil || l.ElementRelationship != schema.Associative {
		w.atomic(a, l, git, before, after)
		return
	}
	gi, gok := w.items(l, g)
	bi, bok := w.items(l, b)
	ni, nok := w.items(l, n)
	if !gok || !bok || !nok {
		w.atomic(a, l, git, before, after) // two items of one key: only the whole can be compared
		return
	}
	if len(g) == 0 && after == nil && git != nil && !same(git, after) {
		w.report(a, git, before, after) // Git says that it is there, with nothing in it
		return
	}
	w.keyed(a, l, gi, bi, ni)
	if len(l.Keys) > 0 {
		w.order(a, gi, bi, ni)
	}
}

func asList(value any) ([]any, bool) {
	if u, ok := value.(unset); ok {
		value = u.value
	}
	l, ok := value.([]any)
	return l, ok || value == nil
}

// keyed compares item by item.
func (w *walk) keyed(a at, l *schema.List, git, before, after items) {
	for _, key := range before.keys {
		w.value(a.item(key, l, before.byKey[key]), git.byKey[key], before.byKey[key], after.byKey[key])
	}
	for _, key := range after.keys {
		if _, ok := before.byKey[key]; !ok {
			w.value(a.item(key, l, after.byKey[key]), git.byKey[key], nil, after.byKey[key])
		}
	}
}

// order reports items that change places, unless they take the order of Git.
func (w *walk) order(a at, git, before, after items) {
	kept := func(key string) bool { return before.has(key) && after.has(key) }
	was, is := before.only(kept), after.only(kept)
	if slices.Equal(was, is) {
		return
	}
	declared := git.only(after.has)
	if len(declared) > 1 && !slices.Equal(declared, after.only(git.has)) {
		w.report(at{path: a.path, owned: true}, texts(declared), texts(was), texts(is))
	} else if len(declared) == 0 {
		w.report(a, nil, texts(was), texts(is))
	}
}

func texts(keys []string) any {
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = key
	}
	return list
}

// atomic compares lists that are one value. Where the length stays, the items
// that change are named.
func (w *walk) atomic(a at, l *schema.List, git, before, after any) {
	g, _ := asList(git)
	b, _ := asList(before)
	n, _ := asList(after)
	if git != nil && (same(git, after) || restores(git, before, after)) {
		return
	}
	if len(b) != len(n) || (git != nil && len(g) != len(n)) || (before == nil) != (after == nil) {
		w.report(a, git, before, after)
		return
	}
	a.owned = a.owned || git != nil
	for i := range n {
		var item any
		if git != nil {
			item = g[i]
		}
		w.value(a.index(strconv.Itoa(i), l), item, b[i], n[i])
	}
}
