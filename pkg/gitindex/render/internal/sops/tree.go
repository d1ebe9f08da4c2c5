package sops

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// mapping is a map in the order of its file, with the comments in it: a field
// whose key is a comment has no value. Values are text, int, float64, bool,
// time.Time, []byte, nil, mapping and []any.
type mapping []field

type field struct{ key, value any }

type comment struct {
	text   string
	inline bool
}

// rules say which values SOPS encrypted.
type rules struct {
	unencryptedSuffix, encryptedSuffix string
	unencryptedRegex, encryptedRegex   *regexp.Regexp
}

var (
	errComments = errors.New("comments in it say what is encrypted, which gitonly doesn't follow")
	errMetadata = errors.New("what SOPS says of it in itself can't be read")
)

func rulesOf(metadata map[string]any) (rules, error) {
	text := func(name string) string {
		s, _ := metadata[name].(string)
		return s
	}
	if text("encrypted_comment_regex") != "" || text("unencrypted_comment_regex") != "" {
		return rules{}, errComments
	}
	r := rules{unencryptedSuffix: text("unencrypted_suffix"), encryptedSuffix: text("encrypted_suffix")}
	for _, regex := range []struct {
		name string
		into **regexp.Regexp
	}{{"unencrypted_regex", &r.unencryptedRegex}, {"encrypted_regex", &r.encryptedRegex}} {
		if pattern := text(regex.name); pattern != "" {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return rules{}, errMetadata
			}
			*regex.into = compiled
		}
	}
	if r == (rules{}) {
		r.unencryptedSuffix = "_unencrypted"
	}
	return r, nil
}

// encrypts reports whether the value at a path is encrypted.
func (r rules) encrypts(path []string) bool {
	any := func(matches func(name string) bool) bool {
		for _, name := range path {
			if matches(name) {
				return true
			}
		}
		return false
	}
	switch {
	case r.encryptedRegex != nil:
		return any(r.encryptedRegex.MatchString)
	case r.unencryptedRegex != nil:
		return !any(r.unencryptedRegex.MatchString)
	case r.encryptedSuffix != "":
		return any(func(name string) bool { return strings.HasSuffix(name, r.encryptedSuffix) })
	}
	return !any(func(name string) bool { return strings.HasSuffix(name, r.unencryptedSuffix) })
}

// walk decrypts the values of a document.
type walk struct {
	rules rules
	key   []byte
}

func (w walk) mapping(m mapping, path []string) (mapping, error) {
	made := make(mapping, 0, len(m))
	for _, f := range m {
		if c, ok := f.key.(comment); ok {
			made = append(made, field{key: w.comment(c, path)})
			continue
		}
		name, ok := f.key.(string)
		if !ok {
			return nil, errForm
		}
		value, err := w.value(f.value, append(path[:len(path):len(path)], name))
		if err != nil {
			return nil, err
		}
		made = append(made, field{name, value})
	}
	return made, nil
}

func (w walk) value(value any, path []string) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case mapping:
		return w.mapping(v, path)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = w.value(item, path); err != nil {
				return nil, err
			}
		}
		return list, nil
	case comment:
		return w.comment(v, path), nil
	case string:
		if w.rules.encrypts(path) {
			return open(v, w.key, path)
		}
		return v, nil
	case int, float64, bool, time.Time:
		if w.rules.encrypts(path) {
			return nil, errForm
		}
		return v, nil
	}
	return nil, errForm
}

// comment decrypts a comment, which needn't be encrypted.
func (w walk) comment(c comment, path []string) comment {
	if !w.rules.encrypts(path) {
		return c
	}
	if plain, err := open(c.text, w.key, path); err == nil {
		switch plain := plain.(type) {
		case comment:
			return plain // SOPS forgets that it stood behind a value
		case string:
			return comment{plain, c.inline}
		}
	}
	return c
}

// plain is a value of a document as JSON knows it.
func plain(value any) any {
	switch v := value.(type) {
	case mapping:
		m := make(map[string]any, len(v))
		for _, f := range v {
			if name, ok := f.key.(string); ok {
				m[name] = plain(f.value)
			}
		}
		return m
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			if _, ok := item.(comment); !ok {
				list = append(list, plain(item))
			}
		}
		return list
	}
	return value
}
