package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// replace writes another value in a node's place.
func (e *editor) replace(n *yaml.Node, want any, in *parent) (edit, error) {
	from, to, indent, err := e.extent(n, in)
	if err != nil {
		return edit{}, err
	}
	f := e.form
	if n.Kind == yaml.ScalarNode {
		f.quoting = n.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle)
	}
	space := ""
	if isEmpty(n) {
		space = " "
	}
	if in.flow() || f.json {
		f.flow, f.quoting = true, f.quoting&^yaml.LiteralStyle
		text, err := f.write(want)
		return edit{from, to, space + text}, err
	}
	if text, ok := e.literal(n, want, from, to, indent); ok {
		return edit{from, to, text}, nil
	}
	text, err := f.write(want)
	if err != nil {
		return edit{}, err
	}
	if filled(want) {
		switch _, list := want.([]any); {
		case in.key == nil:
			return edit{from, to, space + e.lined(indented(text, indent+2))}, nil
		case list && e.form.compact:
			return e.below(from, to, text, indent), nil
		}
		return e.below(from, to, text, indent+2), nil
	}
	if in.key != nil && n.Line > in.key.Line {
		from, err = e.colon(in.key)
		space = " "
	}
	return edit{from, to, space + e.lined(indented(text, indent))}, err
}

// below writes a map or list on the lines behind its key's.
func (e *editor) below(from, to int, text string, indent int) edit {
	begin := from
	for begin > 0 && strings.IndexByte(" \t\r\n", e.text[begin-1]) >= 0 {
		begin--
	}
	return edit{begin, to, e.lined("\n" + strings.Repeat(" ", indent) + indented(text, indent))}
}

// filled reports whether a value is a map or list with something in it.
func filled(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

// extent is where a node's value is, and the column of its key or dash.
func (e *editor) extent(n *yaml.Node, in *parent) (from, to, indent int, err error) {
	if in.key != nil {
		start, err := e.start(in.key)
		if err != nil {
			return 0, 0, 0, err
		}
		indent = e.column(start)
		if isEmpty(n) {
			from, err = e.colon(in.key)
			return from, from, indent, err
		}
	} else if !in.flow() {
		dash, err := e.dash(n)
		if err != nil {
			return 0, 0, 0, err
		}
		indent = e.column(dash)
		if isEmpty(n) {
			return dash + 1, dash + 1, indent, nil
		}
	}
	if from, err = e.content(n); err != nil {
		return 0, 0, 0, err
	}
	to, err = e.end(n, indent)
	return from, to, indent, err
}

// literal writes text in the place of another literal one, with its
// indentation; ok is false where that doesn't do.
func (e *editor) literal(n *yaml.Node, want any, from, to, indent int) (string, bool) {
	text, ok := want.(string)
	if !ok || n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 || text == "" || strings.ContainsAny(text[:1], " \n\t") {
		return "", false
	}
	header, _, _ := strings.Cut(string(e.text[from:to]), "\n")
	header = strings.TrimRight(header, "\r")
	body := string(e.text[from+len(header) : to])
	body = strings.TrimLeft(body, "\r\n")
	spaces := len(body) - len(strings.TrimLeft(body, " "))
	if spaces <= indent || strings.HasSuffix(text, "\n\n") || strings.Contains(header, "+") {
		return "", false
	}
	trimmed := strings.TrimSuffix(text, "\n")
	switch kept := strings.HasPrefix(header, "|-"); {
	case trimmed == text && !kept:
		header = "|-" + strings.TrimPrefix(header, "|")
	case trimmed != text && kept:
		header = "|" + strings.TrimPrefix(header, "|-")
	}
	return header + e.eol + strings.Repeat(" ", spaces) + e.lined(indented(trimmed, spaces)), true
}
