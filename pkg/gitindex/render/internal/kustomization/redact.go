package kustomization

import (
	"io/fs"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// secrets returns the values in the tree that no message may have: what
// Secrets, patches of Secrets and generators of Secrets hold.
func (t *Tree) secrets() []string {
	found := map[string]bool{}
	add := func(value string) {
		for _, part := range append(strings.Fields(value), strings.TrimSpace(value)) {
			// Shorter ones are no secrets, and would tear words apart.
			if len(part) >= 4 {
				found[part] = true
			}
		}
	}
	t.Each(func(l *Layer) {
		for _, part := range l.Resources {
			secretsIn(part.Documents, add)
		}
		for _, patch := range append(t.StrategicPatches(l), t.Patches(l, l.Spec.Patches)...) {
			secretsIn(patch.Documents, add)
		}
		for _, g := range l.Spec.SecretGenerator {
			for _, literal := range g.LiteralSources {
				_, value, _ := strings.Cut(literal, "=")
				add(value)
				add(literal)
			}
			for _, ref := range dataReferences(g.KvPairSources) {
				if data, err := fs.ReadFile(t.Files, l.below(ref.path)); err == nil {
					add(string(data))
					for line := range strings.Lines(string(data)) {
						_, value, _ := strings.Cut(line, "=")
						add(value)
					}
				}
			}
		}
	})
	all := make([]string, 0, len(found))
	for value := range found {
		all = append(all, value)
	}
	// The longest first, so that no part of one is left.
	sort.Slice(all, func(i, j int) bool { return len(all[i]) > len(all[j]) || len(all[i]) == len(all[j]) && all[i] < all[j] })
	return all
}

func secretsIn(documents []manifest.Document, add func(string)) {
	for _, d := range documents {
		if d.Node == nil || manifest.Text(d.Node, "kind") != "Secret" {
			continue
		}
		for _, field := range []string{"data", "stringData"} {
			eachScalar(manifest.Lookup(d.Node, field), func(n *yaml.Node) { add(n.Value) })
		}
	}
}

func eachScalar(node *yaml.Node, f func(*yaml.Node)) {
	if node == nil {
		return
	}
	if node.Kind == yaml.ScalarNode {
		f(node)
	}
	for _, child := range node.Content {
		eachScalar(child, f)
	}
}
