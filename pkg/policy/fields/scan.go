package fields

import (
	"strconv"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"
)

// quoted reads a text.
func (r *reader) quoted() (string, bool) {
	start := r.at
	plain, ok := r.pass()
	if !ok {
		return "", false
	}
	token := r.text[start:r.at]
	if plain {
		return token[1 : len(token)-1], true
	}
	var text string
	err := kjson.Unmarshal([]byte(token), &text)
	return text, err == nil
}

// pass goes past a text. It is plain if it means what is between the quotes.
func (r *reader) pass() (plain, ok bool) {
	if !r.skip(`"`) {
		return false, false
	}
	plain = true
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return plain, true
		case c == '\\':
			plain = false
			r.at++
		case c < ' ' || c >= 0x80:
			plain = false
		}
	}
	return false, false
}

func (r *reader) number() (any, bool) {
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("+-.eE0123456789", r.text[r.at]) >= 0 {
		r.at++
	}
	text := r.text[start:r.at]
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(whole, 10) == text {
		return whole, true
	}
	var unusual any
	err := kjson.Unmarshal([]byte(text), &unusual)
	return unusual, err == nil
}

// raw leaves a list unread. That it is JSON was seen as the review was read.
func (r *reader) raw() (any, bool) {
	start, open := r.at, 0
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '"':
			if _, ok := r.pass(); !ok {
				return nil, false
			}
			continue
		case '[', '{':
			open++
		case ']', '}':
			open--
		}
		if r.at++; open == 0 {
			return unread(r.text[start:r.at]), true
		}
	}
	return nil, false
}

// ends reports whether a value that is like one here ends here too.
func (r *reader) ends(at int) bool {
	return at == len(r.text) || strings.IndexByte(",]} \n\r\t", r.text[at]) >= 0
}

func (r *reader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \n\r\t", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) skip(text string) bool {
	if !strings.HasPrefix(r.text[r.at:], text) {
		return false
	}
	r.at += len(text)
	return true
}
