package provenance

import (
	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/utils"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

// replace takes the steps of a list of replacements that stands in a file.
func (w *walker) replace(l *kustomization.Layer, list []types.ReplacementField, file string, node *yaml.Node, items []*item) {
	for _, r := range list {
		if r.Path == "" {
			replaceTargets(r.Replacement, file, node, items)
			continue
		}
		where, documents := w.tree.Read(l, r.Path)
		for _, d := range documents {
			for _, inner := range replacementsIn(d.Node) {
				replaceTargets(inner, where, d.Node, items)
			}
		}
	}
}

// replacementsIn decodes a file that has one replacement or a list of them.
func replacementsIn(node *yaml.Node) []types.Replacement {
	if node == nil {
		return nil
	}
	text, err := yaml.Marshal(node)
	if err != nil {
		return nil
	}
	if node.Kind == yaml.SequenceNode {
		var all []types.Replacement
		_ = k8syaml.Unmarshal(text, &all)
		return all
	}
	var one types.Replacement
	_ = k8syaml.Unmarshal(text, &one)
	return []types.Replacement{one}
}

func replaceTargets(r types.Replacement, file string, node *yaml.Node, items []*item) {
	for _, target := range r.Targets {
		if target == nil || target.Select == nil {
			continue
		}
		pattern, err := types.NewTargetSelectorRegex(target)
		if err != nil {
			continue
		}
		for _, it := range items {
			if it.gone || !targeted(it, target, pattern) {
				continue
			}
			for _, fieldPath := range target.FieldPaths {
				it.then(replacement(fieldPath, file, node))
			}
		}
	}
}

func targeted(it *item, target *types.TargetSelector, pattern *types.TargetSelectorRegex) bool {
	if !it.labelled(target.Select) || pattern.RejectsAny(it.ids()) {
		return false
	}
	for _, reject := range target.Reject {
		if (reject.LabelSelector != "" || reject.AnnotationSelector != "") && it.labelled(reject) {
			return false
		}
	}
	return it.is(func(id resid.ResId) bool { return pattern.Selects(id) })
}

func replacement(fieldPath, file string, node *yaml.Node) step {
	return func(it *item) []claim {
		at := place{file: file}
		if found := findScalar(node, fieldPath); found != nil {
			at.line = found.Line
		}
		var all []claim
		for _, path := range follow(it.final, it.schema, utils.SmarterPathSplitter(fieldPath, ".")) {
			all = append(all, claim{at, path, it.finally(path), true})
		}
		return all
	}
}
