package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// document is one document of a file, as text.
type document struct {
	file string
	line int // of its first word, from 1
	text []byte
	json bool
}

func (d document) at() string { return fmt.Sprintf("%s:%d", d.file, d.line) }

// splitYAML splits where kubectl does, at lines of --- and nothing but a
// comment, and at lines of "...". Documents without content are left out. Each
// keeps the line numbers of the file, by empty lines in front.
func splitYAML(file string, data []byte) ([]document, error) {
	var documents []document
	start, empty, line := 0, true, 0
	text := bytes.TrimPrefix(data, []byte("\uFEFF"))
	current := document{file: file}
	flush := func(end int) {
		if !empty {
			current.text = append(bytes.Repeat([]byte("\n"), bytes.Count(text[:start], []byte("\n"))), text[start:end]...)
			documents = append(documents, current)
		}
		current, empty = document{file: file}, true
	}
	at := 0
	for l := range bytes.Lines(text) {
		line++
		words := string(bytes.TrimSpace(l))
		switch rest, marker := documentMarker(l); {
		case marker && rest != "":
			return documents, fmt.Errorf("%s:%d: put what follows --- on a line of its own", file, line)
		case marker:
			flush(at)
			start = at + len(l)
		case empty && words != "" && words[0] != '#':
			current.line, empty = line, false
		}
		at += len(l)
	}
	flush(at)
	return documents, nil
}

// documentMarker reports whether a line ends a document, and what follows the
// marker, comments left out.
func documentMarker(line []byte) (rest string, marker bool) {
	text := strings.TrimRight(string(line), " \t\r\n")
	if text == "..." {
		return "", true
	}
	rest, marker = strings.CutPrefix(text, "---")
	if !marker {
		return "", false
	}
	if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "#") {
		rest = ""
	}
	return rest, true
}

// splitJSON splits a file of JSON values, one after the other.
func splitJSON(file string, data []byte) ([]document, error) {
	var documents []document
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		rest := data[decoder.InputOffset():]
		at := len(data) - len(bytes.TrimLeft(rest, " \t\r\n"))
		d := document{file: file, line: 1 + bytes.Count(data[:at], []byte("\n")), json: true}
		var value json.RawMessage
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			d.text = rest
			complaint := d.withoutValues(err)
			if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
				complaint = fmt.Sprintf("line %d: %s", 1+bytes.Count(data[:syntax.Offset], []byte("\n")), complaint)
			}
			return documents, fmt.Errorf("%s: invalid JSON: %s", d.at(), complaint)
		}
		d.text = value
		documents = append(documents, d)
	}
}

// object decodes the document. Keys that are written twice are an error.
func (d document) object() (map[string]any, error) {
	text, format := d.text, "JSON"
	if !d.json {
		format = "YAML"
		var err error
		if text, err = yaml.YAMLToJSONStrict(d.text); err != nil {
			return nil, fmt.Errorf("invalid YAML: %s", d.withoutValues(err))
		}
	}
	var value any
	strict, err := kjson.UnmarshalStrict(text, &value)
	if err != nil {
		return nil, fmt.Errorf("invalid %s: %s", format, d.withoutValues(err))
	}
	if len(strict) > 0 {
		return nil, fmt.Errorf("invalid %s: %s", format, d.withoutValues(errors.Join(strict...)))
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("is not an object with apiVersion, kind and metadata")
	}
	return object, nil
}

var (
	ownKind    = regexp.MustCompile(`(?m)(?:^|[{,])\s*"?kind"?\s*:\s*["']?(GitSource|GuardPolicy)\b`)
	secretKind = regexp.MustCompile(`\bSecret\b`)
	quotation  = regexp.MustCompile("['\"`{]|map\\[|\\[\\]")
)

// withoutValues is a parser's complaint in one line. Parsers quote what they
// read: unless the document can hold no Secret, it is cut before a quotation.
func (d document) withoutValues(err error) string {
	complaint := strings.TrimPrefix(err.Error(), "yaml: ")
	complaint = strings.TrimPrefix(complaint, "json: ")
	complaint = strings.TrimPrefix(complaint, "unmarshal errors:\n")
	lines := strings.Split(complaint, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	complaint = strings.Join(lines, "; ")
	if ownKind.Match(d.text) && !secretKind.Match(d.text) {
		return complaint
	}
	if at := quotation.FindStringIndex(complaint); at != nil {
		complaint = strings.TrimSpace(complaint[:at[0]]) + " …"
	}
	return complaint
}
