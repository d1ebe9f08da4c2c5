package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// object is a rendered object and where it is from.
type object struct {
	fields map[string]any // numbers are json.Number
	file   string
	line   int
	sets   []gitindex.FieldOrigin

	hidden       []string // fields that are never shown
	undetermined []string // fields that come out differently each time

	secrets     [][]any // places of decrypted values
	generated   string  // see gitindex.Declared
	undecrypted string  // the same
}

// fault is an error about the object, at its place.
func (o *object) fault(err error) error {
	return &gitindex.RenderError{File: o.file, Line: o.line, Err: err}
}

// text returns a text field of a map, and whether it is absent or text.
func text(fields map[string]any, name string) (string, bool) {
	value, has := fields[name]
	if !has || value == nil {
		return "", true
	}
	s, ok := value.(string)
	return s, ok
}

// compact is the object as JSON with sorted keys.
func compact(fields map[string]any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (j *job) count(objects int) error {
	if objects > j.options.MaxObjects {
		return tooMany(j.options.MaxObjects)
	}
	return nil
}

func tooMany(limit int) error {
	return fmt.Errorf("the location declares more than %d objects: split it into several", limit)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
