package provenance

import (
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

func applyPatch(patch kustomization.Patch, items []*item) {
	for _, d := range patch.Documents {
		switch {
		case d.Node == nil:
		case d.Node.Kind == yaml.SequenceNode:
			applyOperations(patch, d.Node, items)
		default:
			applyStrategic(patch, d.Node, items)
		}
	}
}

func applyStrategic(patch kustomization.Patch, node *yaml.Node, items []*item) {
	target := idOf(node)
	for _, it := range items {
		if it.gone {
			continue
		}
		if patch.Target != nil {
			if !selected(it, patch.Target) {
				continue
			}
		} else if !it.is(func(id resid.ResId) bool { return id.Equals(target) }) {
			continue
		}
		renames := patch.Options != nil && patch.Options.AllowNameChange
		it.merge(node, place{patch.File, node.Line}, renames)
		it.then(func(it *item) []claim {
			return strategic{file: patch.File, keepName: renames}.claims(node, it.schema)
		})
		if patch.Options != nil && patch.Options.AllowKindChange {
			it.earlier = append(it.earlier, it.id)
			it.id.Gvk = target.Gvk
		}
	}
}

// merge does to the item what later selectors may ask for.
func (it *item) merge(node *yaml.Node, by place, renames bool) {
	if manifest.Text(node, "$patch") == "delete" {
		it.gone = true
	}
	if name := manifest.Text(node, "metadata", "name"); renames && name != "" {
		it.rename(name, it.id.Namespace, by)
	}
	mergeTexts(it.labels, manifest.Lookup(node, "metadata", "labels"))
	mergeTexts(it.annotations, manifest.Lookup(node, "metadata", "annotations"))
}

func mergeTexts(into map[string]string, node *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i+1].ShortTag() == "!!null" {
			delete(into, node.Content[i].Value)
			continue
		}
		into[node.Content[i].Value] = node.Content[i+1].Value
	}
}

// selected tells whether a target selects the item.
func selected(it *item, target *types.Selector) bool {
	pattern, err := types.NewSelectorRegex(target)
	if err != nil {
		return false
	}
	oldest := it.ids()[0]
	return (pattern.MatchNamespace(oldest.EffectiveNamespace()) || pattern.MatchNamespace(it.id.EffectiveNamespace())) &&
		(pattern.MatchName(oldest.Name) || pattern.MatchName(it.id.Name)) &&
		pattern.MatchGvk(it.id.Gvk) &&
		it.labelled(target)
}

func (it *item) labelled(target *types.Selector) bool {
	return matchesAll(target.LabelSelector, it.labels) && matchesAll(target.AnnotationSelector, it.annotations)
}

func matchesAll(text string, set map[string]string) bool {
	wanted, err := labels.Parse(text)
	return err == nil && wanted.Matches(labels.Set(set))
}
