package render

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// fieldsOf decodes an object of Kustomize; numbers are json.Number. Kustomize
// itself writes it as YAML for that, reads it, and writes it as JSON. What is
// sure to come out as it is need not take that way.
func fieldsOf(object *kyaml.RNode) (map[string]any, error) {
	if fields, ok := mapOf(object.YNode()); ok {
		return fields, nil
	}
	encoded, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	err = decoder.Decode(&fields)
	return fields, err
}

// isPlain tells whether a node is nothing but its value, or its content.
func isPlain(node *yaml.Node, tag string) bool {
	return node.Anchor == "" && node.Style&yaml.TaggedStyle == 0 && node.ShortTag() == tag &&
		node.HeadComment == "" && node.LineComment == "" && node.FootComment == ""
}

func mapOf(node *yaml.Node) (map[string]any, bool) {
	if node == nil || node.Kind != yaml.MappingNode || !isPlain(node, "!!map") {
		return nil, false
	}
	fields := make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, ok := textOf(node.Content[i])
		if _, twice := fields[name]; !ok || twice {
			return nil, false
		}
		if fields[name], ok = valueOf(node.Content[i+1]); !ok {
			return nil, false
		}
	}
	return fields, true
}

func valueOf(node *yaml.Node) (any, bool) {
	switch node.Kind {
	case yaml.MappingNode:
		return mapOf(node)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		ok := isPlain(node, "!!seq")
		for i := 0; i < len(list) && ok; i++ {
			list[i], ok = valueOf(node.Content[i])
		}
		return list, ok
	case yaml.ScalarNode:
		switch {
		case node.Style == 0 && isPlain(node, "!!int"):
			return json.Number(node.Value), isShortInteger(node.Value)
		case node.Style == 0 && isPlain(node, "!!bool"):
			return node.Value == "true", node.Value == "true" || node.Value == "false"
		case node.Style == 0 && isPlain(node, "!!null"):
			return nil, node.Value == "null"
		}
		return textOf(node)
	}
	return nil, false
}

// textOf is the text of a scalar that has it in one line.
func textOf(node *yaml.Node) (string, bool) {
	const styles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
	if node.Kind != yaml.ScalarNode || node.Style&^styles != 0 || !isPlain(node, "!!str") || node.Value == "<<" {
		return "", false
	}
	for i := range len(node.Value) {
		if c := node.Value[i]; c < ' ' || c > '~' {
			return "", false
		}
	}
	return node.Value, true
}

// isShortInteger tells whether a number is written as everybody writes it.
func isShortInteger(text string) bool {
	if text == "0" {
		return true
	}
	if len(text) > 1 && text[0] == '-' {
		text = text[1:]
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != "" && text[0] != '0' && len(text) <= 15
}
