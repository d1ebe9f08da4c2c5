// Package glob matches text with the patterns that Argo CD knows, in time that
// grows with the length of the text alone, whatever the pattern.
package glob

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Compile reads a pattern as github.com/gobwas/glob does, which Argo CD uses: *
// stands for any text, ? for a character, [ab] for one of some characters, [a-z]
// for one of a range, ! after the [ for any other, {a,b} for one of some patterns,
// and \ takes the next character as it is. But the ends of a pattern don't
// overlap, as they do there: a*a doesn't match a.
func Compile(pattern string) (*regexp.Regexp, error) {
	t := translator{any: "."}
	return t.compile(pattern)
}

// CompilePath is Compile for patterns of github.com/bmatcuk/doublestar: * and ?
// stop at a slash, ** doesn't, and **/ may stand for nothing.
func CompilePath(pattern string) (*regexp.Regexp, error) {
	t := translator{any: "[^/]", path: true}
	return t.compile(pattern)
}

// Match reports whether text matches a pattern. One that can't be read matches
// nothing.
func Match(pattern, text string) bool {
	if !strings.ContainsAny(pattern, `*?[{\`) && utf8.ValidString(pattern) {
		return pattern == text
	}
	compiled, err := Compile(pattern)
	return err == nil && compiled.MatchString(text)
}

var (
	errEncoding = errors.New("it is not in UTF-8")
	errBracket  = errors.New("a [ is never closed")
	errBrace    = errors.New("a { is never closed")
	errEscape   = errors.New(`nothing follows the last \`)
	errRange    = errors.New("what is in [] must be some characters, or one range of them")
)

type translator struct {
	any   string // one character
	path  bool   // as doublestar has it
	rest  []rune
	depth int
	out   strings.Builder
}

func (t *translator) compile(pattern string) (*regexp.Regexp, error) {
	if !utf8.ValidString(pattern) {
		return nil, errEncoding
	}
	t.rest = []rune(pattern)
	t.out.WriteString("^(?s:")
	for len(t.rest) > 0 {
		if err := t.next(); err != nil {
			return nil, err
		}
	}
	if t.depth > 0 && t.path {
		return nil, errBrace
	}
	t.out.WriteString(strings.Repeat(")", t.depth+1) + "$")
	return regexp.Compile(t.out.String())
}

func (t *translator) take() rune {
	c := t.rest[0]
	t.rest = t.rest[1:]
	return c
}

func (t *translator) next() error {
	switch c := t.take(); {
	case c == '*':
		t.stars()
	case c == '?':
		t.out.WriteString(t.any)
	case c == '[' && t.path:
		return t.pathClass()
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
	case c != '\\':
		t.literal(c)
	case len(t.rest) > 0:
		t.literal(t.take())
	case t.path:
		return errEscape
	}
	return nil
}

func (t *translator) literal(c rune) { t.out.WriteString(regexp.QuoteMeta(string(c))) }

func (t *translator) stars() {
	deep := false
	for len(t.rest) > 0 && t.rest[0] == '*' {
		deep = true
		t.rest = t.rest[1:]
	}
	switch {
	case !deep:
		t.out.WriteString(t.any + "*")
	case t.path && len(t.rest) > 0 && t.rest[0] == '/':
		t.rest = t.rest[1:]
		t.out.WriteString("(?:.*/)?")
	default:
		t.out.WriteString(".*")
	}
}

// class reads [] as gobwas does: some characters, or one range.
func (t *translator) class() error {
	not := ""
	if len(t.rest) > 0 && t.rest[0] == '!' {
		not = "^"
		t.take()
	}
	if len(t.rest) > 1 && t.rest[1] == '-' {
		switch {
		case len(t.rest) < 4:
			return errBracket
		case t.rest[3] != ']' || t.rest[2] < t.rest[0]:
			return errRange
		}
		t.out.WriteString("[" + not + escaped(t.rest[:1]) + "-" + escaped(t.rest[2:3]) + "]")
		t.rest = t.rest[4:]
		return nil
	}
	var chars []rune
	for len(t.rest) > 0 && t.rest[0] != ']' {
		c := t.take()
		if c == '\\' && len(t.rest) > 0 {
			c = t.take()
		}
		chars = append(chars, c)
	}
	switch {
	case len(t.rest) == 0:
		return errBracket
	case len(chars) == 0:
		return errRange
	}
	t.take()
	t.out.WriteString("[" + not + escaped(chars) + "]")
	return nil
}

// pathClass reads [] as doublestar does: characters and ranges.
func (t *translator) pathClass() error {
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
		t.out.WriteString(escaped(inside[i : i+1]))
	}
	t.out.WriteString("]")
	return nil
}

// escaped writes characters as they may stand in [].
func escaped(chars []rune) string {
	var b strings.Builder
	for _, c := range chars {
		fmt.Fprintf(&b, `\x{%x}`, c)
	}
	return b.String()
}
