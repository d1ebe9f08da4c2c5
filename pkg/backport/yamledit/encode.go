package yamledit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// form is how values are written.
type form struct {
	json    bool       // as JSON
	flow    bool       // in brackets, on one line
	compact bool       // lists begin in the column of their key
	quoting yaml.Style // of text
}

// write returns a value as text, with a line feed between lines and none at the
// end.
func (f form) write(value any) (string, error) {
	if f.json {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(value)
		return strings.TrimSpace(b.String()), err
	}
	node, err := f.node(value)
	if err != nil {
		return "", err
	}
	if f.flow { // what has to be quoted is more there
		node = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{node}}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if f.compact {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(node); err != nil {
		return "", err
	}
	if err := encoder.Close(); err != nil {
		return "", err
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if f.flow {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	}
	return text, nil
}

func (f form) node(value any) (*yaml.Node, error) {
	switch v := value.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range ordered(v) {
			key, err := form{}.node(name)
			if err != nil {
				return nil, err
			}
			member, err := form{}.node(v[name])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key, member)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			node, err := form{}.node(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, node)
		}
		return n, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		return nil, err
	}
	if _, ok := value.(string); ok && f.quoting != 0 {
		n.Style = f.quoting
	}
	return n, nil
}

// ordered are a map's names as manifests have them: what tells what it is comes
// first.
func ordered(m map[string]any) []string {
	rank := map[string]int{"apiVersion": -6, "kind": -5, "metadata": -4, "name": -3, "namespace": -2, "image": -1}
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank[a], rank[b]), strings.Compare(a, b))
	})
}

// indented puts spaces before all lines but the first, and before empty ones
// none.
func indented(text string, by int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i > 0 && line != "" {
			lines[i] = strings.Repeat(" ", by) + line
		}
	}
	return strings.Join(lines, "\n")
}

// Write returns a value as YAML, with lists in the column of their key.
func Write(value any) (string, error) { return form{compact: true}.write(value) }
