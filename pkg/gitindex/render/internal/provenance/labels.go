package provenance

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func commonLabels(pairs map[string]string) types.Label {
	return types.Label{Pairs: pairs, IncludeSelectors: true}
}

// addLabels finds where Kustomize put labels by looking for them.
func addLabels(label types.Label, places map[string]place, items []*item) {
	for _, key := range sortedKeys(label.Pairs) {
		value := label.Pairs[key]
		for _, it := range items {
			it.labels[key] = value
			it.then(func(it *item) []claim {
				return it.find(key, value, places[key], func(parent string) bool { return isLabels(label, parent) })
			})
		}
	}
}

// isLabels tells whether labels may go into the map at a path.
func isLabels(label types.Label, path string) bool {
	if path == "metadata.labels" || len(label.FieldSpecs) > 0 {
		return true
	}
	if strings.HasSuffix(path, "metadata.labels") {
		return label.IncludeTemplates || label.IncludeSelectors
	}
	last := lastStep(path)
	return label.IncludeSelectors && (last == "matchLabels" || last == "selector")
}

func addAnnotations(pairs map[string]string, places map[string]place, items []*item) {
	for _, key := range sortedKeys(pairs) {
		value := pairs[key]
		for _, it := range items {
			it.annotations[key] = value
			it.then(func(it *item) []claim {
				return it.find(key, value, places[key], func(parent string) bool { return lastStep(parent) == "annotations" })
			})
		}
	}
}

// find returns the fields of a name that have got a value by now, in the maps
// at paths that may have it.
func (it *item) find(key, value string, at place, may func(parent string) bool) []claim {
	var all []claim
	suffix := gitindex.AppendField(".", key)[1:]
	it.eachLeaf(func(path string, v any) {
		parent, ok := strings.CutSuffix(path, suffix)
		if !ok || scalar(v) != value || !may(parent) {
			return
		}
		if before, had := it.values[path]; !had || before != value {
			all = append(all, claim{at, path, value, true})
		}
	})
	return all
}
