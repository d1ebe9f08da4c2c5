package kustomization

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// decode reads the file the way Kustomize does, which is laxer than YAML.
func (l *Layer) decode(data []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err == nil && len(document.Content) > 0 {
		l.Node = document.Content[0]
	}
	l.Spec = &types.Kustomization{}
	if err := l.Spec.Unmarshal(data); err != nil {
		return l.explain(data, err)
	}
	return nil
}

func isEmpty(spec *types.Kustomization) bool {
	return reflect.DeepEqual(spec, &types.Kustomization{TypeMeta: spec.TypeMeta})
}

var unknownField = regexp.MustCompile(`json: unknown field "(.*)"`)

// explain says in terms of the file why Kustomize can't decode it.
func (l *Layer) explain(data []byte, err error) error {
	var syntax *gitindex.RenderError
	if _, yamlErr := manifest.Documents(l.File, data); errors.As(yamlErr, &syntax) {
		return syntax
	}
	if found := unknownField.FindStringSubmatch(err.Error()); found != nil {
		return faultf(l.File, l.lineOfKey(found[1]), "Kustomize knows no field %s", found[1])
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		key := mismatch.Field[strings.LastIndexByte(mismatch.Field, '.')+1:]
		return faultf(l.File, l.lineOfType(key, mismatch), "%s has to be %s, not %s%s",
			mismatch.Field, wanted(mismatch.Type), given(mismatch.Value), quote(mismatch.Type))
	}
	message := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	return &gitindex.RenderError{File: l.File, Err: &reworded{strings.TrimPrefix(message, "json: "), err}}
}

// reworded is an error with a clearer text.
type reworded struct {
	text string
	err  error
}

func (e *reworded) Error() string { return e.text }
func (e *reworded) Unwrap() error { return e.err }

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a map"
	}
	return "a number"
}

func given(jsonType string) string {
	switch jsonType {
	case "string":
		return "text"
	case "bool":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "a map"
	}
	return "a " + jsonType
}

func quote(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return ": put it in quotes"
	}
	return ""
}

// lineOfType finds the field whose value is not of the type that is wanted.
func (l *Layer) lineOfType(key string, mismatch *json.UnmarshalTypeError) int {
	var line int
	walkKeys(l.Node, func(name, value *yaml.Node) bool {
		if strings.EqualFold(name.Value, key) && (line == 0 || jsonType(value) == mismatch.Value) {
			line = name.Line
			return jsonType(value) == mismatch.Value
		}
		return false
	})
	if line == 0 {
		return l.lineOfKey(key)
	}
	return line
}

func jsonType(node *yaml.Node) string {
	switch node.ShortTag() {
	case "!!str":
		return "string"
	case "!!int", "!!float":
		return "number"
	case "!!bool":
		return "bool"
	case "!!map":
		return "object"
	case "!!seq":
		return "array"
	}
	return ""
}

// walkKeys calls f for each field, until it returns true.
func walkKeys(node *yaml.Node, f func(name, value *yaml.Node) bool) bool {
	if node == nil {
		return false
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && f(child, node.Content[i+1]) {
			return true
		}
		if walkKeys(child, f) {
			return true
		}
	}
	return false
}

func (l *Layer) checkKind() error {
	kind, version := l.Spec.Kind, l.Spec.APIVersion
	wantVersion := types.KustomizationVersion
	if kind == types.ComponentKind {
		wantVersion = types.ComponentVersion
	}
	switch {
	case kind != types.KustomizationKind && kind != types.ComponentKind:
		return faultf(l.File, l.lineOf(kind), "the kind is %s: it has to be Kustomization or Component", kind)
	case version != wantVersion:
		return faultf(l.File, l.lineOf(version), "the apiVersion of a %s is %s: it has to be %s", kind, version, wantVersion)
	}
	return nil
}

// usesDeprecated tells whether Kustomize would print warnings of the file.
func usesDeprecated(spec *types.Kustomization) bool {
	warnings := spec.CheckDeprecatedFields()
	return warnings != nil && len(*warnings) > 0
}

// texts returns every text in a spec, for checks that may miss none.
func texts(spec *types.Kustomization) ([]string, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encoding a kustomization: %w", err)
	}
	var all []string
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := decoder.Token()
		if err != nil {
			return all, nil
		}
		if text, ok := token.(string); ok {
			all = append(all, text)
		}
	}
}
