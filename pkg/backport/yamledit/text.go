package yamledit

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is a text, and where the nodes of it are. The parser tells where a
// node begins; where it ends is found here.
type source struct {
	text  []byte
	lines []int // where each begins
	eol   string
}

func newSource(text []byte) *source {
	s := &source{text: text, lines: []int{0}, eol: "\n"}
	for i, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if bytes.Contains(text, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	return s
}

var errForm = errors.New("it is written in a form that can't be edited")

// start is where a node begins, its anchor and tag included.
func (s *source) start(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(s.lines) {
		return 0, errForm
	}
	at := s.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at, nil
}

// content is where a node begins, behind its anchor and tag.
func (s *source) content(n *yaml.Node) (int, error) {
	at, err := s.start(n)
	if err != nil {
		return 0, err
	}
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		at += len(s.word(at))
		for at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[at]) >= 0 {
			at++
		}
	}
	return at, nil
}

// word is what stands at a place up to the next space.
func (s *source) word(at int) []byte {
	rest := s.text[at:]
	if end := bytes.IndexAny(rest, " \t\r\n"); end >= 0 {
		return rest[:end]
	}
	return rest
}

// lineStart is where the line of a place begins, and lineEnd where the next one
// does.
func (s *source) lineStart(at int) int { return bytes.LastIndexByte(s.text[:at], '\n') + 1 }

func (s *source) lineEnd(at int) int {
	if end := bytes.IndexByte(s.text[at:], '\n'); end >= 0 {
		return at + end + 1
	}
	return len(s.text)
}

// first reports whether nothing but spaces stands before a place in its line.
func (s *source) first(at int) bool {
	return len(bytes.TrimLeft(s.text[s.lineStart(at):at], " ")) == 0
}

func (s *source) column(at int) int { return at - s.lineStart(at) }

// end is the place behind a node. indent is the column of what the node is in:
// of its key, or of its dash.
func (s *source) end(n *yaml.Node, indent int) (int, error) {
	at, err := s.content(n)
	if err != nil {
		return 0, err
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return at + 1 + len(n.Value), nil
	case n.Kind == yaml.ScalarNode:
		return s.scalarEnd(n, at, indent)
	case at < len(s.text) && (s.text[at] == '{' || s.text[at] == '['):
		return s.bracketEnd(at)
	case len(n.Content) == 0:
		return 0, errForm
	case n.Kind == yaml.MappingNode:
		return s.valueEnd(n.Content[len(n.Content)-2], n.Content[len(n.Content)-1])
	}
	last := n.Content[len(n.Content)-1]
	dash, err := s.dash(last)
	if err != nil {
		return 0, err
	}
	if isEmpty(last) {
		return dash + 1, nil
	}
	return s.end(last, s.column(dash))
}

// valueEnd is the place behind a map's member.
func (s *source) valueEnd(key, value *yaml.Node) (int, error) {
	begin, err := s.start(key)
	if err != nil {
		return 0, err
	}
	if isEmpty(value) {
		return s.colon(key)
	}
	return s.end(value, s.column(begin))
}

// isEmpty reports whether a null has no text.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 &&
		n.Anchor == ""
}

// colon is the place behind the colon of a key.
func (s *source) colon(key *yaml.Node) (int, error) {
	at, err := s.end(key, 0)
	if err != nil {
		return 0, err
	}
	rest := s.text[at:]
	spaces := len(rest) - len(bytes.TrimLeft(rest, " \t"))
	if spaces == len(rest) || rest[spaces] != ':' {
		return 0, errForm
	}
	return at + spaces + 1, nil
}

// dash is where the dash of a list's item is.
func (s *source) dash(item *yaml.Node) (int, error) {
	at, err := s.start(item)
	if err != nil {
		return 0, err
	}
	if isEmpty(item) && at < len(s.text) && s.text[at] == '-' {
		return at, nil
	}
	before := bytes.TrimRight(s.text[:at], " \t\r\n")
	if len(before) == 0 || before[len(before)-1] != '-' {
		return 0, errForm
	}
	return len(before) - 1, nil
}

func (s *source) scalarEnd(n *yaml.Node, at, indent int) (int, error) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.quoteEnd(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.quoteEnd(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockEnd(at, indent), nil
	case !bytes.HasPrefix(s.text[at:], []byte(n.Value)):
		return 0, errForm // text over several lines
	}
	return at + len(n.Value), nil
}

func (s *source) quoteEnd(at int, quote byte) (int, error) {
	for i := at + 1; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && quote == '"':
			i++
		case s.text[i] != quote:
		case quote == '\'' && i+1 < len(s.text) && s.text[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errForm
}

// blockEnd is the end of a literal or folded text: without the lines behind it
// that have nothing in them.
func (s *source) blockEnd(at, indent int) int {
	end := s.lineEnd(at)
	last := s.trimEOL(end)
	for end < len(s.text) {
		next := s.lineEnd(end)
		line := bytes.TrimRight(s.text[end:next], "\r\n")
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		if spaces < len(line) {
			if spaces <= indent {
				break
			}
			last = s.trimEOL(next)
		}
		end = next
	}
	return last
}

// trimEOL goes back before the end of a line.
func (s *source) trimEOL(at int) int {
	return len(bytes.TrimRight(s.text[:at], "\r\n"))
}

// bracketEnd is the place behind a map or list in brackets.
func (s *source) bracketEnd(at int) (int, error) {
	depth := 0
	for i := at; i < len(s.text); i++ {
		switch b := s.text[i]; {
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case (b == '"' || b == '\'') && strings.IndexByte(" \t\n,[{:", s.text[i-1]) >= 0:
			end, err := s.quoteEnd(i, b)
			if err != nil {
				return 0, err
			}
			i = end - 1
		case b == '#' && strings.IndexByte(" \t\n", s.text[i-1]) >= 0:
			i = s.lineEnd(i) - 1
		}
	}
	return 0, errForm
}
