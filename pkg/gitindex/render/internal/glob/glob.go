// Package glob matches paths with the patterns that Argo CD knows, in time that
// grows with the length of the path alone, whatever the pattern.
package glob

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Compile reads a pattern: * stands for any text, ? for a character, [a-z] for
// one of some, [!a-z] for any other, {a,b} for one of some patterns, and \ takes
// the next character as it is.
func Compile(pattern string) (*regexp.Regexp, error) { return compile(pattern, false) }

// CompilePath is Compile for patterns where * and ? stop at a slash, ** doesn't,
// and **/ may stand for nothing.
func CompilePath(pattern string) (*regexp.Regexp, error) { return compile(pattern, true) }

var (
	errBracket = errors.New("a [ is never closed")
	errBrace   = errors.New("a { is never closed")
	errEscape  = errors.New("nothing follows the last \\")
)

type translator struct {
	rest  []rune
	path  bool
	depth int
	out   strings.Builder
}

func compile(pattern string, path bool) (*regexp.Regexp, error) {
	t := translator{rest: []rune(pattern), path: path}
	t.out.WriteString("^(?s:")
	for len(t.rest) > 0 {
		if err := t.next(); err != nil {
			return nil, err
		}
	}
	if t.depth > 0 {
		return nil, errBrace
	}
	t.out.WriteString(")$")
	return regexp.Compile(t.out.String())
}

func (t *translator) next() error {
	c := t.rest[0]
	t.rest = t.rest[1:]
	switch {
	case c == '*':
		t.stars()
	case c == '?':
		t.out.WriteString(t.any())
	case c == '[':
		return t.class()
	case c == '{':
		t.depth++
		t.out.WriteString("(?:")
	case c == '}' && t.depth > 0:
		t.depth--
		t.out.WriteString(")")
	case c == ',' && t.depth > 0:
		t.out.WriteString("|")
	case c == '\\':
		if len(t.rest) == 0 {
			return errEscape
		}
		t.literal(t.rest[0])
		t.rest = t.rest[1:]
	default:
		t.literal(c)
	}
	return nil
}

func (t *translator) literal(c rune) { t.out.WriteString(regexp.QuoteMeta(string(c))) }

func (t *translator) any() string {
	if t.path {
		return "[^/]"
	}
	return "."
}

func (t *translator) stars() {
	deep := false
	for len(t.rest) > 0 && t.rest[0] == '*' {
		deep = true
		t.rest = t.rest[1:]
	}
	switch {
	case !t.path:
		t.out.WriteString(".*")
	case !deep:
		t.out.WriteString("[^/]*")
	case len(t.rest) > 0 && t.rest[0] == '/':
		t.rest = t.rest[1:]
		t.out.WriteString("(?:.*/)?")
	default:
		t.out.WriteString(".*")
	}
}

func (t *translator) class() error {
	end := slices.Index(t.rest, ']')
	if end < 0 {
		return errBracket
	}
	inside := t.rest[:end]
	t.rest = t.rest[end+1:]
	t.out.WriteString("[")
	if len(inside) > 0 && inside[0] == '!' {
		inside = inside[1:]
		t.out.WriteString("^")
	}
	for i, c := range inside {
		if c == '-' && i > 0 && i < len(inside)-1 {
			t.out.WriteRune(c)
			continue
		}
		t.out.WriteString(fmt.Sprintf(`\x{%x}`, c))
	}
	t.out.WriteString("]")
	return nil
}
