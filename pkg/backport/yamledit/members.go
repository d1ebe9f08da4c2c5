package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// removeMember takes out the member whose key is at i.
func (e *editor) removeMember(n *yaml.Node, i int) (edit, error) {
	from, err := e.start(n.Content[i])
	if err != nil {
		return edit{}, err
	}
	to, err := e.valueEnd(n.Content[i], n.Content[i+1])
	if err != nil {
		return edit{}, err
	}
	var next *yaml.Node
	if i+2 < len(n.Content) {
		next = n.Content[i+2]
	}
	if n.Style&yaml.FlowStyle == 0 && e.first(from) {
		return edit{from: e.lineStart(from), to: e.lineEnd(to)}, nil
	}
	switch {
	case next != nil: // also the first one behind a list's dash
		to, err = e.start(next)
		return edit{from: from, to: to}, err
	case i == 0:
		return edit{}, errForm
	}
	from, err = e.valueEnd(n.Content[i-2], n.Content[i-1])
	return edit{from: from, to: to}, err
}

// addMember puts a member behind others: one of a line behind those that are of
// one line.
func (e *editor) addMember(n *yaml.Node, name string, value any) (edit, error) {
	if n.Style&yaml.FlowStyle != 0 {
		return e.addFlow(n, name, value)
	}
	f := e.form
	text, err := f.write(map[string]any{name: value})
	if err != nil {
		return edit{}, err
	}
	first, err := e.start(n.Content[0])
	if err != nil {
		return edit{}, err
	}
	indent := e.column(first)
	text = indented(text, indent)
	after := len(n.Content) - 2
	if !strings.Contains(text, "\n") {
		for after >= 0 && !oneLine(n.Content[after+1]) {
			after -= 2
		}
	}
	if after < 0 && e.first(first) {
		at := e.lineStart(first)
		return edit{at, at, strings.Repeat(" ", indent) + e.lined(text+"\n")}, nil
	}
	if after < 0 {
		after = len(n.Content) - 2
	}
	end, err := e.valueEnd(n.Content[after], n.Content[after+1])
	if err != nil {
		return edit{}, err
	}
	return e.insertLine(end, strings.Repeat(" ", indent)+text), nil
}

func oneLine(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// insertLine puts lines behind that of a place. A text whose last line has no
// end keeps it so.
func (e *editor) insertLine(after int, text string) edit {
	at := e.lineEnd(after)
	if at > 0 && e.text[at-1] != '\n' {
		return edit{at, at, e.lined("\n" + text)}
	}
	return edit{at, at, e.lined(text + "\n")}
}

// removeItem takes out the item at i of a list that has others.
func (e *editor) removeItem(n *yaml.Node, i int) (edit, error) {
	item := n.Content[i]
	if n.Style&yaml.FlowStyle != 0 {
		return e.removeFlow(n, i)
	}
	dash, err := e.dash(item)
	if err != nil {
		return edit{}, err
	}
	end := dash + 1
	if !isEmpty(item) {
		if end, err = e.end(item, e.column(dash)); err != nil {
			return edit{}, err
		}
	}
	if e.first(dash) {
		return edit{from: e.lineStart(dash), to: e.lineEnd(end)}, nil
	}
	if i+1 == len(n.Content) {
		return edit{}, errForm
	}
	next, err := e.dash(n.Content[i+1])
	return edit{from: dash, to: next}, err
}

func (e *editor) removeFlow(n *yaml.Node, i int) (edit, error) {
	if i+1 < len(n.Content) {
		from, err := e.start(n.Content[i])
		if err != nil {
			return edit{}, err
		}
		to, err := e.start(n.Content[i+1])
		return edit{from: from, to: to}, err
	}
	from, err := e.end(n.Content[i-1], 0)
	if err != nil {
		return edit{}, err
	}
	to, err := e.end(n.Content[i], 0)
	return edit{from: from, to: to}, err
}

// addItem puts an item before that at i, or behind the last one.
func (e *editor) addItem(n *yaml.Node, i int, value any) (edit, error) {
	if n.Style&yaml.FlowStyle != 0 {
		return e.addFlowItem(n, i, value)
	}
	dash, err := e.dash(n.Content[max(i-1, 0)])
	if err != nil {
		return edit{}, err
	}
	text, err := e.form.write([]any{value})
	if err != nil {
		return edit{}, err
	}
	indent := e.column(dash)
	text = strings.Repeat(" ", indent) + indented(text, indent)
	if i == 0 {
		if !e.first(dash) {
			return edit{}, errForm
		}
		at := e.lineStart(dash)
		return edit{at, at, e.lined(text + "\n")}, nil
	}
	end := dash + 1
	if before := n.Content[i-1]; !isEmpty(before) {
		if end, err = e.end(before, indent); err != nil {
			return edit{}, err
		}
	}
	return e.insertLine(end, text), nil
}

// addFlow puts a member behind the last one, in brackets.
func (e *editor) addFlow(n *yaml.Node, name string, value any) (edit, error) {
	f := form{json: e.form.json, flow: true}
	key, err := f.write(name)
	if err != nil {
		return edit{}, err
	}
	text, err := f.write(value)
	if err != nil {
		return edit{}, err
	}
	last := n.Content[len(n.Content)-2]
	end, err := e.valueEnd(last, n.Content[len(n.Content)-1])
	if err != nil {
		return edit{}, err
	}
	start, err := e.start(last)
	if err != nil {
		return edit{}, err
	}
	return edit{end, end, e.comma(start) + key + ": " + text}, nil
}

func (e *editor) addFlowItem(n *yaml.Node, i int, value any) (edit, error) {
	text, err := form{json: e.form.json, flow: true}.write(value)
	if err != nil {
		return edit{}, err
	}
	start, err := e.start(n.Content[max(i-1, 0)])
	if err != nil {
		return edit{}, err
	}
	if i == 0 {
		return edit{start, start, text + e.comma(start)}, nil
	}
	end, err := e.end(n.Content[i-1], 0)
	return edit{end, end, e.comma(start) + text}, err
}

// comma is what stands between what begins at a place and what comes next:
// where each has a line of its own, its end.
func (e *editor) comma(at int) string {
	if !e.first(at) {
		return ", "
	}
	indent := e.text[e.lineStart(at):at]
	return "," + e.eol + string(indent)
}
