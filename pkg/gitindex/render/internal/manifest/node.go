package manifest

import "go.yaml.in/yaml/v3"

// Entry returns the key and the value of a field of a mapping, or nils.
func Entry(node *yaml.Node, name string) (key, value *yaml.Node) {
	node = Resolve(node)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i], Resolve(node.Content[i+1])
		}
	}
	return nil, nil
}

// Lookup returns the value at a path of field names, or nil.
func Lookup(node *yaml.Node, path ...string) *yaml.Node {
	node = Resolve(node)
	for _, name := range path {
		_, node = Entry(node, name)
	}
	return node
}

// Text returns the scalar at a path of field names, or "".
func Text(node *yaml.Node, path ...string) string {
	if value := Lookup(node, path...); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

// Items returns the items of a list, or nil.
func Items(node *yaml.Node) []*yaml.Node {
	if node = Resolve(node); node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// Resolve follows an alias.
func Resolve(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
