// Package yamledit changes values in YAML and JSON text and leaves all else as
// it is: comments, order, quoting and indentation.
package yamledit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxEdits bounds how many places of a document are changed.
const maxEdits = 300

// Rewrite returns text with one of its documents, counted from 0, changed to
// say want. The other documents say what they said. It is an error if that
// can't be done by changing just the places that differ.
func Rewrite(text []byte, document int, want any) ([]byte, error) {
	before, err := Documents(text)
	if err != nil {
		return nil, err
	}
	if document >= len(before) {
		return nil, fmt.Errorf("there are %d documents, and none of index %d", len(before), document)
	}
	for range maxEdits {
		roots, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("an edit made it unreadable: %w", err)
		}
		have, err := valueOf(roots[document])
		if err != nil {
			return nil, err
		}
		if equal(have, want) {
			return text, unchanged(before, text, document)
		}
		e := &editor{source: newSource(text), form: formOf(roots[document])}
		change, err := e.step(roots[document], have, want, nil)
		if err != nil {
			return nil, err
		}
		text = change.in(text)
	}
	return nil, errors.New("the places that differ can't be changed one by one")
}

// unchanged returns an error unless all documents but one say what they did.
func unchanged(before []any, text []byte, but int) error {
	after, err := Documents(text)
	if err != nil {
		return err
	}
	if len(after) != len(before) {
		return errForm
	}
	for i := range after {
		if i != but && !equal(before[i], after[i]) {
			return errForm
		}
	}
	return nil
}

// edit puts text between two places.
type edit struct {
	from, to int
	text     string
}

func (e edit) in(text []byte) []byte {
	return slices.Concat(text[:e.from], []byte(e.text), text[e.to:])
}

// editor finds the next edit of a document.
type editor struct {
	*source
	form form // as the document is written
}

// formOf takes the form of lists from the first one that is in a map.
func formOf(root *yaml.Node) form {
	if root.Style&yaml.FlowStyle != 0 {
		quoted := root.Kind == yaml.MappingNode && len(root.Content) > 0 && root.Content[0].Style&yaml.DoubleQuotedStyle != 0
		return form{json: quoted, flow: true}
	}
	compact, _ := isCompact(root)
	return form{compact: compact}
}

// isCompact reports whether lists begin in the column of their key; known is
// false if there is none.
func isCompact(n *yaml.Node) (compact, known bool) {
	if n.Style&yaml.FlowStyle != 0 {
		return true, false
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.SequenceNode && child.Style&yaml.FlowStyle == 0 && child.Line > n.Content[i-1].Line {
			return child.Column == n.Content[i-1].Column, true
		}
		if compact, known := isCompact(child); known {
			return compact, true
		}
	}
	return true, false
}

// parent is what a node is in: a map, with its key, or a list.
type parent struct {
	node, key *yaml.Node // key is nil in a list
}

func (p *parent) flow() bool { return p != nil && p.node.Style&yaml.FlowStyle != 0 }

// step finds one edit that takes a node nearer to what is wanted.
func (e *editor) step(n *yaml.Node, have, want any, in *parent) (edit, error) {
	if n.Kind != yaml.AliasNode {
		switch want := want.(type) {
		case map[string]any:
			if have, ok := have.(map[string]any); ok && (in == nil || share(have, want)) {
				return e.mapping(n, have, want)
			}
		case []any:
			if have, ok := have.([]any); ok && len(have) > 0 && len(want) > 0 {
				return e.list(n, have, want)
			}
		}
	}
	if in == nil {
		return edit{}, errForm
	}
	return e.replace(n, want, in)
}

func (e *editor) mapping(n *yaml.Node, have, want map[string]any) (edit, error) {
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			continue
		}
		wanted, ok := want[key.Value]
		if !ok {
			return e.removeMember(n, i)
		}
		own[key.Value] = true
		if !equal(have[key.Value], wanted) {
			return e.step(value, have[key.Value], wanted, &parent{n, key})
		}
	}
	for _, name := range ordered(want) {
		if !own[name] && !equal(have[name], want[name]) || !has(have, name) {
			return e.addMember(n, name, want[name])
		}
	}
	return edit{}, errForm // something that is merged has to go
}

// share reports whether two maps have a member of one name.
func share(a, b map[string]any) bool {
	for name := range a {
		if has(b, name) {
			return true
		}
	}
	return false
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

// list pairs the items that differ in the middle.
func (e *editor) list(n *yaml.Node, have, want []any) (edit, error) {
	begin := 0
	for begin < min(len(have), len(want)) && equal(have[begin], want[begin]) {
		begin++
	}
	same := 0
	for same < min(len(have), len(want))-begin && equal(have[len(have)-1-same], want[len(want)-1-same]) {
		same++
	}
	old, fresh := have[begin:len(have)-same], want[begin:len(want)-same]
	switch {
	case len(old) == 0:
		return e.addItem(n, begin, fresh[0])
	case len(fresh) == 0, len(old) > len(fresh) && !alike(old[0], fresh[0]):
		return e.removeItem(n, begin)
	case len(fresh) > len(old) && !alike(old[0], fresh[0]):
		return e.addItem(n, begin, fresh[0])
	}
	return e.step(n.Content[begin], old[0], fresh[0], &parent{node: n})
}

// alike reports whether two items of a list go by one name.
func alike(a, b any) bool {
	x, ok := a.(map[string]any)
	y, also := b.(map[string]any)
	return ok && also && equal(x["name"], y["name"])
}

// lined puts the document's line ends into text.
func (e *editor) lined(text string) string { return strings.ReplaceAll(text, "\n", e.eol) }
