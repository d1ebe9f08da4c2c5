package provenance

import (
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

// renamed has the objects whose name was changed, by their final name: what
// refers to them was changed along.
func renamed(items []*item) map[string]*item {
	all := map[string]*item{}
	for _, it := range items {
		if it != nil && (it.hashed || len(it.earlier) > 0) && it.renamer.file != "" {
			all[it.id.Name] = it
		}
	}
	return all
}

// variable is an entry of the deprecated vars.
type variable struct {
	name string
	place
}

func variables(l *kustomization.Layer) []variable {
	var all []variable
	for _, v := range l.Spec.Vars {
		all = append(all, variable{v.Name, lineOfEntry(l.File, l.Node, "vars", v.Name)})
	}
	return all
}

// referTo explains values that no step set: names of other objects, and vars.
func (it *item) referTo(names map[string]*item, vars []variable) {
	if len(names) == 0 && len(vars) == 0 {
		return
	}
	it.eachLeaf(func(path string, value any) {
		now := scalar(value)
		before, had := it.values[path]
		if !had || before == now || path == "metadata.name" {
			return
		}
		if other := names[hash.ReplaceAllString(now, "")]; other != nil && other.wasCalled(before) {
			it.claim(claim{other.renamer, path, now, true})
			return
		}
		if other := names[now]; other != nil && other.wasCalled(before) {
			it.claim(claim{other.renamer, path, now, true})
			return
		}
		for _, v := range vars {
			if strings.Contains(before, "$("+v.name+")") {
				it.claim(claim{v.place, path, now, true})
				return
			}
		}
	})
}

func (it *item) wasCalled(name string) bool {
	for _, id := range it.ids() {
		if id.Name == name {
			return true
		}
	}
	return false
}
