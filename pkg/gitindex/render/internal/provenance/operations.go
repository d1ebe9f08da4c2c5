package provenance

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// applyOperations applies a JSON patch (RFC 6902) to what its target selects.
func applyOperations(patch kustomization.Patch, list *yaml.Node, items []*item) {
	if patch.Target == nil {
		return
	}
	for _, it := range items {
		if it.gone || !selected(it, patch.Target) {
			continue
		}
		for _, node := range manifest.Items(list) {
			operation := operation{patch.File, manifest.Resolve(node)}
			operation.effect(it)
			it.then(operation.claims)
		}
	}
}

type operation struct {
	file string
	node *yaml.Node
}

// effect does to the item what later selectors may ask for.
func (o operation) effect(it *item) {
	kind := manifest.Text(o.node, "op")
	steps := pointer(manifest.Text(o.node, "path"))
	if len(steps) < 2 || steps[0] != "metadata" || kind == "test" {
		return
	}
	value := manifest.Text(o.node, "value")
	switch {
	case len(steps) == 2 && steps[1] == "name":
		it.rename(value, it.id.Namespace, place{o.file, o.node.Line})
	case len(steps) == 2 && steps[1] == "namespace":
		it.rename(it.id.Name, value, place{o.file, o.node.Line})
	case len(steps) == 2 && steps[1] == "labels":
		mergeTexts(it.labels, manifest.Lookup(o.node, "value"))
	case len(steps) == 3 && steps[1] == "labels" && kind == "remove":
		delete(it.labels, steps[2])
	case len(steps) == 3 && steps[1] == "labels":
		it.labels[steps[2]] = value
	case len(steps) == 3 && steps[1] == "annotations" && kind != "remove":
		it.annotations[steps[2]] = value
	}
}

func (o operation) claims(it *item) []claim {
	path := pointer(manifest.Text(o.node, "path"))
	switch manifest.Text(o.node, "op") {
	case "test":
		return nil
	case "remove":
		return []claim{o.removed(it, path)}
	case "move":
		return append(o.set(it, path), o.removed(it, pointer(manifest.Text(o.node, "from"))))
	}
	return o.set(it, path)
}

func (o operation) set(it *item, steps []string) []claim {
	value := manifest.Lookup(o.node, "value")
	var all []claim
	for _, path := range follow(it.final, it.schema, steps) {
		c := claim{place: place{o.file, o.node.Line}, path: path}
		if value != nil && value.Kind == yaml.ScalarNode {
			c.value, c.hasValue = value.Value, true
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		all = []claim{o.removed(it, steps)}
	}
	return all
}

// removed names what the finished object may not have any more. The items
// that are left stand at other indices, so a last index stays what it is.
func (o operation) removed(it *item, steps []string) claim {
	last := steps[len(steps)-1]
	parents := follow(it.final, it.schema, steps[:len(steps)-1])
	path := ""
	switch {
	case len(parents) == 1:
		path = parents[0]
	default:
		for _, step := range steps[:len(steps)-1] {
			path = appendStep(path, step)
		}
	}
	return claim{place: place{o.file, o.node.Line}, path: appendStep(path, last)}
}

func appendStep(path, step string) string {
	if _, err := strconv.Atoi(step); err == nil || step == "-" {
		return gitindex.AppendSelector(path, step)
	}
	return gitindex.AppendField(path, step)
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// pointer splits a JSON pointer.
func pointer(text string) []string {
	steps := strings.Split(strings.TrimPrefix(text, "/"), "/")
	for i := range steps {
		steps[i] = unescape.Replace(steps[i])
	}
	return steps
}
