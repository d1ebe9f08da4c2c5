package manifest

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// maxAliased is how many bytes the aliases of one document may add to it. A
// few lines of YAML can otherwise stand for more than any memory holds.
const maxAliased = 8 << 20

// nodeCost is about what a node takes beside its text.
const nodeCost = 64

var (
	errTooMuch = fmt.Errorf("invalid YAML: its aliases stand for more than %d MiB; write them out", maxAliased>>20)
	errItself  = errors.New("invalid YAML: an anchor holds an alias of itself")
)

// CheckAliases bounds what the aliases in any text may stand for, for readers
// that write them out. Text that is no YAML is fine: no alias is written out.
func CheckAliases(file string, data []byte) error {
	if bytes.IndexByte(data, '*') < 0 || bytes.IndexByte(data, '&') < 0 {
		return nil
	}
	for _, p := range split(data) {
		var node yaml.Node
		if yaml.Unmarshal(p.text, &node) != nil || len(node.Content) == 0 {
			continue
		}
		moveDown(&node, p.offset)
		if err := checkAliases(file, node.Content[0]); err != nil {
			return err
		}
	}
	return nil
}

func checkAliases(file string, node *yaml.Node) error {
	meter := aliasMeter{left: maxAliased, open: map[*yaml.Node]bool{}}
	if at, err := meter.walk(node, false); err != nil {
		return &gitindex.RenderError{File: file, Line: at.Line, Err: err}
	}
	return nil
}

type aliasMeter struct {
	left int
	open map[*yaml.Node]bool // anchors whose content is being walked
}

// walk counts what stands below an alias. It returns the outermost alias that
// is at fault.
func (m *aliasMeter) walk(node *yaml.Node, aliased bool) (*yaml.Node, error) {
	if aliased {
		if m.left -= nodeCost + len(node.Value); m.left < 0 {
			return node, errTooMuch
		}
	}
	if node.Anchor != "" {
		m.open[node] = true
		defer delete(m.open, node)
	}
	if node.Kind == yaml.AliasNode {
		if m.open[node.Alias] {
			return node, errItself
		}
		if _, err := m.walk(node.Alias, true); err != nil {
			return node, err
		}
	}
	for _, child := range node.Content {
		if at, err := m.walk(child, aliased); err != nil {
			return at, err
		}
	}
	return nil, nil
}
