package provenance

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// strategic reads the fields that a strategic merge patch sets.
type strategic struct {
	file     string
	keepName bool // metadata.name is a change, and does not only name the target
	all      []claim
}

func (s strategic) claims(patch *yaml.Node, schema *fieldSchema) []claim {
	s.mapping("", patch, patch.Line, schema)
	return s.all
}

func (s *strategic) add(path string, line int, value *yaml.Node) {
	c := claim{place: place{s.file, line}, path: path}
	if value != nil && value.Kind == yaml.ScalarNode {
		c.value, c.hasValue = value.Value, true
	}
	s.all = append(s.all, c)
}

func (s *strategic) mapping(path string, node *yaml.Node, line int, schema *fieldSchema) {
	if directive := manifest.Text(node, "$patch"); directive == "replace" || directive == "delete" {
		if path != "" {
			s.add(path, line, nil)
		}
		return
	}
	if len(node.Content) == 0 {
		s.add(path, line, nil)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], manifest.Resolve(node.Content[i+1])
		if key.ShortTag() == "!!merge" {
			s.mapping(path, value, key.Line, schema)
			continue
		}
		next := gitindex.AppendField(path, key.Value)
		if !strings.HasPrefix(key.Value, "$") && !s.names(next) {
			var below *fieldSchema
			if value.Kind != yaml.ScalarNode {
				below = schema.field(key.Value)
			}
			s.value(next, value, key.Line, below)
		}
	}
}

// names tells whether a field only says which object is patched.
func (s *strategic) names(path string) bool {
	switch path {
	case "apiVersion", "kind", "metadata.namespace":
		return true
	case "metadata.name":
		return !s.keepName
	}
	return false
}

func (s *strategic) value(path string, node *yaml.Node, line int, schema *fieldSchema) {
	switch node.Kind {
	case yaml.MappingNode:
		s.mapping(path, node, line, schema)
	case yaml.SequenceNode:
		s.list(path, node, line, schema)
	default:
		s.add(path, line, node)
	}
}

func (s *strategic) list(path string, node *yaml.Node, line int, schema *fieldSchema) {
	keys, merges := schema.mergeKeys()
	if !merges || len(node.Content) == 0 || replacesList(node) {
		s.add(path, line, nil)
		return
	}
	for _, item := range node.Content {
		item = manifest.Resolve(item)
		if len(keys) == 0 {
			s.add(gitindex.AppendSelector(path, item.Value), item.Line, item)
			continue
		}
		chosen := keyed(keys, func(key string) (string, bool) {
			value := manifest.Lookup(item, key)
			return manifest.Text(item, key), value != nil
		})
		if chosen == "" {
			s.add(path, item.Line, nil)
			continue
		}
		s.item(gitindex.AppendSelector(path, chosen), item, keys, schema.element())
	}
}

// item leaves out the keys: they only say which item is patched.
func (s *strategic) item(path string, item *yaml.Node, keys []string, schema *fieldSchema) {
	rest := *item
	rest.Content = nil
	for i := 0; i+1 < len(item.Content); i += 2 {
		if !contains(keys, item.Content[i].Value) {
			rest.Content = append(rest.Content, item.Content[i], item.Content[i+1])
		}
	}
	s.mapping(path, &rest, item.Line, schema)
}

func replacesList(node *yaml.Node) bool {
	for _, item := range node.Content {
		if manifest.Text(item, "$patch") == "replace" {
			return true
		}
	}
	return false
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
