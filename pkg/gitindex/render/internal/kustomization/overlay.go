package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"
)

// Overlay is what an agent makes of the kustomization in a tree's root before
// it builds it. The file itself stays as it is.
type Overlay struct {
	// Change changes what the file says.
	Change func(*types.Kustomization) error

	// Generate returns what the kustomization says in a folder that has no
	// file of one.
	Generate func() (*types.Kustomization, error)
}

// fromOverlay is the line of a node that only the overlay has.
const fromOverlay = -1

// root reads the kustomization file of a folder, or what stands in for it.
func (t *Tree) root(dir string, over *Overlay) (*Layer, error) {
	file, err := FileIn(t.Files, dir)
	if err != nil && (over == nil || !errors.Is(err, fs.ErrNotExist)) {
		t.problem(err)
		return nil, nil
	}
	if err == nil {
		return t.load(layerKey{dir: dir}, file, nil, over)
	}
	spec, err := over.Generate()
	if err != nil {
		return nil, err
	}
	t.Generated = true
	l := &Layer{Dir: dir, File: dir, Spec: spec}
	file = path.Join(dir, konfig.DefaultKustomizationFileName())
	return t.finish(l, layerKey{dir: dir}, file, nil, nil, over)
}

// change lets the overlay change the layer, and returns the file that it comes
// to. Nodes keep their lines where the overlay left them alone.
func (o *Overlay) change(l *Layer) ([]byte, error) {
	if err := o.Change(l.Spec); err != nil {
		return nil, err
	}
	data, err := k8syaml.Marshal(l.Spec)
	if err != nil {
		return nil, fmt.Errorf("encoding the kustomization of %s: %w", l.Dir, err)
	}
	original := l.Node
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err == nil && len(document.Content) > 0 {
		l.Node = document.Content[0]
		graft(l.Node, original)
	}
	return data, nil
}

// graft gives a node the lines of the original where both say the same.
func graft(node, original *yaml.Node) {
	switch original = dealiased(original); {
	case alike(node, original):
		*node = *original
	case original != nil && node.Kind == yaml.MappingNode && original.Kind == yaml.MappingNode:
		node.Line = original.Line
		for i := 0; i+1 < len(node.Content); i += 2 {
			graftField(node.Content[i], node.Content[i+1], original)
		}
	case original != nil && node.Kind == yaml.SequenceNode && original.Kind == yaml.SequenceNode:
		node.Line = original.Line
		graftItems(node.Content, original.Content)
	default:
		foreign(node)
	}
}

func graftField(key, value, original *yaml.Node) {
	was, of := fieldOf(original, key.Value)
	graft(value, of)
	key.Line = fromOverlay
	if was != nil && value.Line != fromOverlay {
		key.Line = was.Line
	}
}

func graftItems(items, originals []*yaml.Node) {
	used := make([]bool, len(originals))
next:
	for _, item := range items {
		for i, original := range originals {
			if !used[i] && alike(item, dealiased(original)) {
				used[i] = true
				*item = *dealiased(original)
				continue next
			}
		}
		foreign(item)
	}
}

func foreign(node *yaml.Node) {
	node.Line = fromOverlay
	for _, child := range node.Content {
		foreign(child)
	}
}

func dealiased(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func fieldOf(node *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if strings.EqualFold(node.Content[i].Value, name) {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// alike tells whether two nodes have the same value.
func alike(a, b *yaml.Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind {
		return false
	}
	var one, other any
	if a.Decode(&one) != nil || b.Decode(&other) != nil {
		return false
	}
	return reflect.DeepEqual(one, other)
}

// fromOverlay tells whether a text of the kustomization is the overlay's.
func (l *Layer) fromOverlay(text string) bool {
	node := findScalar(l.Node, func(value string) bool { return value == text })
	return node != nil && node.Line == fromOverlay
}
