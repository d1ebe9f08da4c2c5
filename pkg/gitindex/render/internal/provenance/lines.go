package provenance

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// entry finds a field without minding the case of its name, as Kustomize does
// in its own files.
func entry(node *yaml.Node, name string) (key, value *yaml.Node) {
	if key, value = manifest.Entry(node, name); key != nil || node == nil || node.Kind != yaml.MappingNode {
		return key, value
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if strings.EqualFold(node.Content[i].Value, name) {
			return node.Content[i], manifest.Resolve(node.Content[i+1])
		}
	}
	return nil, nil
}

func lineOfKey(node *yaml.Node, name string) int {
	if key, _ := entry(node, name); key != nil {
		return key.Line
	}
	return 0
}

// lineOfEntry is the place of the first item with a name, in a list of the
// kustomization: that of the first field it has of those given, or of the name.
func lineOfEntry(file string, node *yaml.Node, list, name string, fields ...string) place {
	key, items := entry(node, list)
	for _, item := range manifest.Items(items) {
		item = manifest.Resolve(item)
		at, value := entry(item, "name")
		if value == nil || value.Value != name {
			continue
		}
		for _, field := range fields {
			if key, _ := entry(item, field); key != nil {
				return place{file, key.Line}
			}
		}
		return place{file, at.Line}
	}
	if key != nil {
		return place{file, key.Line}
	}
	return place{file: file}
}

// linesOfKeys finds the places of the keys of a map somewhere below a field.
func linesOfKeys(file string, node *yaml.Node, below string, keys map[string]string) map[string]place {
	at, value := entry(node, below)
	places := map[string]place{}
	for key := range keys {
		places[key] = place{file: file}
		if at != nil {
			places[key] = place{file, at.Line}
		}
		if found := findKey(value, key, keys[key]); found != nil {
			places[key] = place{file, found.Line}
		}
	}
	return places
}

func findKey(node *yaml.Node, key, value string) *yaml.Node {
	if node == nil {
		return nil
	}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key && node.Content[i+1].Value == value {
			return node.Content[i]
		}
	}
	for _, child := range node.Content {
		if found := findKey(child, key, value); found != nil {
			return found
		}
	}
	return nil
}

func findScalar(node *yaml.Node, text string) *yaml.Node {
	if node == nil {
		return nil
	}
	if node.Kind == yaml.ScalarNode && node.Value == text {
		return node
	}
	for _, child := range node.Content {
		if found := findScalar(child, text); found != nil {
			return found
		}
	}
	return nil
}
