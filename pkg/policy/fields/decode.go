package fields

import (
	"errors"
	"fmt"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"
)

// decode reads an object as kjson does.
func decode(object []byte) (map[string]any, error) {
	var r reader
	return r.decode(object)
}

// decodeLive reads an object before and after a request. If share is true, what
// is the same in both is one value: it must not be changed in one of them alone.
// Their managedFields are left unread, as few requests need them. The error says
// which of them can't be read.
func decodeLive(before, after []byte, share bool) (b, n map[string]any, err error) {
	first := reader{lazy: true, noting: share}
	if b, err = first.decode(before); err != nil {
		return nil, nil, fmt.Errorf("reading the object before the request: %w", err)
	}
	second := reader{lazy: true, other: &first, items: first.items}
	if n, err = second.decode(after); err != nil {
		return nil, nil, fmt.Errorf("reading the object after the request: %w", err)
	}
	return b, n, nil
}

// unread is JSON that stays text until somebody needs it.
type unread string

// reader reads JSON in about a third of kjson's time: texts are parts of one
// copy of the object's, and what another reader has read is taken from it. It
// gives up where anything is unusual, and leaves that to kjson.
type reader struct {
	text   string
	at     int
	depth  int
	lazy   bool    // managedFields are left unread
	noting bool    // for another reader
	notes  []note  // each before those of what is in it; empty if it gave up
	items  []any   // of lists that are being read
	other  *reader // that has read a similar object; nil if there is none
}

// note is a value that was read, and where.
type note struct {
	name       string // of a map's member
	start, end int
	value      any
	next       int // index of the first note that isn't in it
}

const (
	nothing  = -1 // index of no note
	maxDepth = 100

	// lookAhead is how many members the other object may have in between that
	// this one hasn't. A search of all would be quadratic in what a user sends.
	lookAhead = 16
)

func (r *reader) decode(object []byte) (map[string]any, error) {
	r.text = string(object)
	if r.items == nil {
		r.items = make([]any, 0, 16)
	}
	if r.noting {
		r.notes = make([]note, 0, len(object)/24) // about as many as there are values
	}
	if decoded, ok := r.object(); ok {
		return decoded, nil
	}
	r.notes = nil
	var decoded map[string]any
	if err := kjson.Unmarshal(object, &decoded); err != nil {
		return nil, err
	}
	if decoded == nil {
		return nil, errors.New("the object is null")
	}
	return decoded, nil
}

func (r *reader) object() (map[string]any, bool) {
	like := nothing
	if r.other != nil && len(r.other.notes) > 0 {
		like = 0
	}
	r.space()
	decoded, ok := r.value("", like, false)
	r.space()
	object, isMap := decoded.(map[string]any)
	return object, ok && isMap && r.at == len(r.text)
}

// value reads one. like is the note of the other reader's value in its place.
func (r *reader) value(name string, like int, metadata bool) (read any, ok bool) {
	if like != nothing {
		known := &r.other.notes[like]
		if text := r.other.text[known.start:known.end]; strings.HasPrefix(r.text[r.at:], text) && r.ends(r.at+len(text)) {
			r.at += len(text)
			return known.value, true
		}
	}
	noted := len(r.notes)
	if r.noting {
		r.notes = append(r.notes, note{name: name, start: r.at})
	}
	if read, ok = r.parse(like, metadata); ok && r.noting {
		note := &r.notes[noted]
		note.end, note.value, note.next = r.at, read, len(r.notes)
	}
	return read, ok
}

func (r *reader) parse(like int, metadata bool) (any, bool) {
	if r.at == len(r.text) || r.depth > maxDepth {
		return nil, false
	}
	switch c := r.text[r.at]; {
	case c == '{':
		return r.members(like, metadata)
	case c == '[':
		return r.list(like)
	case c == '"':
		text, ok := r.quoted()
		return text, ok
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case r.skip("true"):
		return true, true
	case r.skip("false"):
		return false, true
	}
	return nil, r.skip("null")
}

func (r *reader) members(like int, metadata bool) (any, bool) {
	r.at++
	r.depth++
	defer func() { r.depth-- }()
	read := map[string]any{}
	cursor := r.inside(like)
	for r.space(); !r.skip("}"); r.space() {
		if len(read) > 0 && !r.skip(",") {
			return nil, false
		}
		r.space()
		name, ok := r.quoted()
		if r.space(); !ok || !r.skip(":") {
			return nil, false
		}
		r.space()
		if _, twice := read[name]; twice {
			return nil, false
		}
		if metadata && name == "managedFields" && strings.HasPrefix(r.text[r.at:], "[") {
			if read[name], ok = r.raw(); !ok {
				return nil, false
			}
			continue
		}
		found := r.named(name, like, cursor)
		if found != nothing {
			cursor = r.other.notes[found].next
		}
		if read[name], ok = r.value(name, found, r.lazy && r.depth == 1 && name == "metadata"); !ok {
			return nil, false
		}
	}
	return read, true
}

func (r *reader) list(like int) (any, bool) {
	r.at++
	r.depth++
	defer func() { r.depth-- }()
	start, cursor := len(r.items), r.inside(like)
	for r.space(); !r.skip("]"); r.space() {
		if len(r.items) > start && !r.skip(",") {
			return nil, false
		}
		r.space()
		found := nothing
		if like != nothing && cursor < r.other.notes[like].next {
			found = cursor
			cursor = r.other.notes[cursor].next
		}
		item, ok := r.value("", found, false)
		if !ok {
			return nil, false
		}
		r.items = append(r.items, item)
	}
	read := append(make([]any, 0, len(r.items)-start), r.items[start:]...)
	r.items = r.items[:start]
	return read, true
}

// inside is the first note of what is in the other reader's value.
func (r *reader) inside(like int) int {
	if like == nothing {
		return nothing
	}
	return like + 1
}

// named finds the note of a member, among the next ones from a note on: both
// objects have their members in the same order.
func (r *reader) named(name string, like, from int) int {
	if like == nothing {
		return nothing
	}
	notes, end := r.other.notes, r.other.notes[like].next
	for i, seen := from, 0; i < end && seen <= lookAhead; i, seen = notes[i].next, seen+1 {
		if notes[i].name == name {
			return i
		}
	}
	return nothing
}
