package kustomization

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// lineOf returns the line of the first scalar with this text, or 0.
func (l *Layer) lineOf(text string) int {
	if node := findScalar(l.Node, func(value string) bool { return value == text }); node != nil {
		return max(0, node.Line)
	}
	return 0
}

// lineOfKey returns the line of the first field of this name, or 0. Kustomize
// does not mind the case of its field names.
func (l *Layer) lineOfKey(name string) int {
	if node := findKey(l.Node, name); node != nil {
		return max(0, node.Line)
	}
	return 0
}

// textStart returns how many lines of the file precede the content of a
// multi-line scalar.
func (l *Layer) textStart(text string) int {
	node := findScalar(l.Node, func(value string) bool { return value == text })
	if node == nil {
		return 0
	}
	return TextStart(node)
}

// TextStart returns how many lines of the file precede the text of a scalar.
// A block's text begins below its indicator.
func TextStart(node *yaml.Node) int {
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return max(0, node.Line)
	}
	return max(0, node.Line-1)
}

func findScalar(node *yaml.Node, match func(string) bool) *yaml.Node {
	if node == nil {
		return nil
	}
	if node.Kind == yaml.ScalarNode && match(node.Value) {
		return node
	}
	for _, child := range node.Content {
		if found := findScalar(child, match); found != nil {
			return found
		}
	}
	return nil
}

func findKey(node *yaml.Node, name string) *yaml.Node {
	if node == nil {
		return nil
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && strings.EqualFold(child.Value, name) {
			return child
		}
	}
	for _, child := range node.Content {
		if found := findKey(child, name); found != nil {
			return found
		}
	}
	return nil
}
