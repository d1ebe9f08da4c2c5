package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Object is a Kubernetes object as a file has it.
type Object struct {
	File   string
	Line   int
	Fields map[string]any // numbers are json.Number
}

// NoObject is the fault of a document in a file of manifests.
type NoObject struct{ Why string }

func (e *NoObject) Error() string {
	return "this is no Kubernetes object: " + e.Why + "; move it elsewhere, or name only the paths of manifests"
}

// Objects decodes the document as kubectl does. A List counts as its items.
func (d *Document) Objects() ([]Object, error) {
	text := d.text
	if d.Node != nil {
		var err error
		if text, err = k8syaml.YAMLToJSON(d.text); err != nil {
			return nil, &gitindex.RenderError{File: d.File, Line: d.Line, Err: &notYAML{messageOf(err), err}}
		}
	}
	value, err := decode(text)
	if err != nil {
		return nil, &gitindex.RenderError{File: d.File, Line: d.Line, Err: fmt.Errorf("invalid JSON: %w", err)}
	}
	return objects(d.File, d.Line, d.Node, value)
}

// ObjectsOf are the objects that a decoded value is: one, or the items of a
// List. They have no lines.
func ObjectsOf(file string, value any) ([]Object, error) { return objects(file, 0, nil, value) }

// IsObject tells whether the document names an API version and a kind.
func (d *Document) IsObject() bool {
	return d.Node == nil || Text(d.Node, "apiVersion") != "" && Text(d.Node, "kind") != ""
}

func objects(file string, line int, node *yaml.Node, value any) ([]Object, error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, &gitindex.RenderError{File: file, Line: line,
			Err: &NoObject{"it isn't a map"}}
	}
	items, isList := list(fields)
	if !isList {
		if missing := missingType(fields); missing != "" {
			return nil, &gitindex.RenderError{File: file, Line: line,
				Err: &NoObject{"it has no " + missing}}
		}
		return []Object{{File: file, Line: line, Fields: fields}}, nil
	}
	var all []Object
	for i, item := range items {
		at, below := line, nodeOfItem(node, i)
		if below != nil {
			at = below.Line
		}
		some, err := objects(file, at, below, item)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func list(fields map[string]any) ([]any, bool) {
	if kind, _ := fields["kind"].(string); !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	items, has := fields["items"]
	if !has {
		return nil, false
	}
	all, ok := items.([]any)
	return all, ok || items == nil
}

func nodeOfItem(node *yaml.Node, i int) *yaml.Node {
	items := Lookup(node, "items")
	if items == nil || items.Kind != yaml.SequenceNode || i >= len(items.Content) {
		return nil
	}
	return items.Content[i]
}

func missingType(fields map[string]any) string {
	version, _ := fields["apiVersion"].(string)
	kind, _ := fields["kind"].(string)
	switch {
	case version == "" && kind == "":
		return "apiVersion and kind"
	case version == "":
		return "apiVersion"
	case kind == "":
		return "kind"
	}
	return ""
}

func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}
