// Package manifest reads files of Kubernetes objects, and knows on which line
// of a file everything stands.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one YAML or JSON document that holds something.
type Document struct {
	File string
	Line int // of the document's first key, in the file

	// Node is the document's content; its lines are those of the file. It is
	// nil for JSON that YAML can't read.
	Node *yaml.Node

	text []byte
}

// Documents returns the documents of a file, without the empty ones. What is
// no YAML, has a key twice, or grows out of proportion through aliases is a
// *gitindex.RenderError.
func Documents(file string, data []byte) ([]Document, error) {
	documents, err := read(file, data)
	if err != nil {
		return nil, err
	}
	return documents, check(documents, checkKeys, checkAliases)
}

// Lenient is Documents for agents that don't mind a key that stands twice: the
// last one counts.
func Lenient(file string, data []byte) ([]Document, error) {
	documents, err := read(file, data)
	if err != nil {
		return nil, err
	}
	return documents, check(documents, checkAliases)
}

func read(file string, data []byte) ([]Document, error) {
	if path.Ext(file) == ".json" {
		if documents, ok := jsonDocuments(file, data); ok {
			return documents, nil
		}
	}
	var documents []Document
	for _, part := range split(data) {
		document, err := part.parse(file)
		if err != nil {
			return nil, err
		}
		if document != nil {
			documents = append(documents, *document)
		}
	}
	return documents, nil
}

// Unreadable rewords an error of a file that is shown with its path anyway.
func Unreadable(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return fmt.Errorf("it can't be read: %w", at.Err)
	}
	return err
}

// part is the text of one document and how many lines of the file precede it.
type part struct {
	text   []byte
	offset int
}

// split cuts before each line that starts a document. The start marker stays
// in the part, since there may be content behind it.
func split(data []byte) []part {
	var parts []part
	begin, offset, line := 0, 0, 0
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if startsDocument(data[at:end]) && at > begin {
			parts = append(parts, part{data[begin:at], offset})
			begin, offset = at, line
		}
		at = end
	}
	return append(parts, part{data[begin:], offset})
}

func startsDocument(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// parse returns nil for an empty document.
func (p part) parse(file string) (*Document, error) {
	node, err := parse(p.text)
	if err != nil {
		return nil, p.syntaxError(file, err)
	}
	if isEmpty(node) {
		return nil, nil
	}
	content := node.Content[0]
	moveDown(content, p.offset)
	return &Document{File: file, Line: content.Line, Node: content, text: p.text}, nil
}

// parse reads a text that is one document.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var node, more yaml.Node
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return &node, nil
	case err != nil:
		return nil, err
	}
	switch err := decoder.Decode(&more); {
	case err == nil && !isEmpty(&more):
		return nil, errSecond
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	return &node, nil
}

func isEmpty(document *yaml.Node) bool {
	return len(document.Content) == 0 || document.Content[0].ShortTag() == "!!null"
}

// moveDown turns lines of a document into lines of the file. Alias targets
// are part of the tree.
func moveDown(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		moveDown(child, lines)
	}
}

// jsonDocuments reads a stream of JSON values. It is not ok if data is no
// JSON; YAML may still read it then.
func jsonDocuments(file string, data []byte) ([]Document, bool) {
	var documents []Document
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			return documents, true
		}
		if err != nil {
			return nil, false
		}
		begin := int(decoder.InputOffset()) - len(text)
		p := part{text, bytes.Count(data[:begin], []byte("\n"))}
		document, err := p.parse(file)
		if err != nil {
			document = &Document{File: file, Line: p.offset + 1, text: p.text}
		}
		if document != nil {
			documents = append(documents, *document)
		}
	}
}

func check(documents []Document, checks ...func(file string, node *yaml.Node) error) error {
	for _, d := range documents {
		if d.Node == nil {
			continue
		}
		for _, check := range checks {
			if err := check(d.File, d.Node); err != nil {
				return err
			}
		}
	}
	return nil
}
