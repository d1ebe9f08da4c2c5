// Package builtin checks objects of Kubernetes' own kinds by their Go types: what
// the API server would refuse to read, and what it would drop.
package builtin

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Fault is a value that the type of its field can't hold. Its text never shows
// the value.
type Fault struct {
	Path string // as gitindex.AppendField writes it; empty for the object as a whole
	Err  error
}

func (f *Fault) Error() string {
	if f.Path == "" {
		return f.Err.Error()
	}
	return f.Path + " " + f.Err.Error()
}

func (f *Fault) Unwrap() error { return f.Err }

// Check compares an object, whose numbers are json.Number, with the type of its
// kind. The error is a *Fault: the first value that doesn't fit. Unknown are the
// paths of fields that the type doesn't have. A kind without a Go type has
// neither.
//
// What SOPS encrypted fits any field.
func Check(kind kschema.GroupVersionKind, object map[string]any) (unknown []string, err error) {
	typed, err := scheme.Scheme.New(kind)
	if err != nil {
		return nil, nil
	}
	c := check{}
	_, c.sealed = object["sops"].(map[string]any)
	if c.sealed {
		object = maps.Clone(object)
		delete(object, "sops")
	} else if fits(typed, object) {
		return nil, nil
	}
	c.value(reflect.TypeOf(typed), "", object)
	if c.fault == nil && !c.sealed {
		// The comparison reads all of it at once.
		c.read(reflect.TypeOf(typed), "", object)
	}
	if c.fault != nil {
		return c.unknown, c.fault
	}
	return c.unknown, nil
}

// fits tells whether nothing at all is wrong with an object, in less time than
// it takes to say what is.
func fits(typed, object any) bool {
	encoded, err := json.Marshal(object)
	if err != nil {
		return false
	}
	faults, err := kjson.UnmarshalStrict(encoded, typed)
	return err == nil && len(faults) == 0
}

type check struct {
	sealed  bool
	unknown []string
	fault   *Fault
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func (c *check) value(t reflect.Type, path string, value any) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c.fault != nil || value == nil || c.opaque(value) {
		return
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		c.read(t, path, value)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if object, ok := value.(map[string]any); ok {
			c.members(t, path, object)
			return
		}
	case reflect.Map:
		if object, ok := value.(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(object)) {
				c.value(t.Elem(), gitindex.AppendField(path, name), object[name])
			}
			return
		}
	case reflect.Slice:
		if list, ok := value.([]any); ok && t.Elem().Kind() != reflect.Uint8 {
			c.items(t.Elem(), path, "", list)
			return
		}
	}
	c.read(t, path, value)
}

func (c *check) members(t reflect.Type, path string, object map[string]any) {
	known := fieldsOf(t)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := gitindex.AppendField(path, name)
		field, ok := known[name]
		if !ok {
			if object[name] != nil {
				c.unknown = append(c.unknown, at)
			}
			continue
		}
		if list, ok := object[name].([]any); ok && field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() != reflect.Uint8 {
			c.items(field.Type.Elem(), at, field.Tag.Get("patchMergeKey"), list)
			continue
		}
		c.value(field.Type, at, object[name])
	}
}

// items checks a list, whose items go by a key where they merge by it.
func (c *check) items(t reflect.Type, path, key string, list []any) {
	for i, item := range list {
		selector := strconv.Itoa(i)
		if object, ok := item.(map[string]any); ok && key != "" && object[key] != nil {
			selector = fmt.Sprintf("%s=%v", key, object[key])
		}
		c.value(t, gitindex.AppendSelector(path, selector), item)
	}
}

// read has the type itself read the value.
func (c *check) read(t reflect.Type, path string, value any) {
	encoded, err := json.Marshal(value)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(encoded, reflect.New(t).Interface())
	}
	if err != nil {
		c.fault = &Fault{Path: path, Err: mistyped(t, value)}
	}
}

func (c *check) opaque(value any) bool {
	text, ok := value.(string)
	return ok && c.sealed && strings.HasPrefix(text, "ENC[") && strings.HasSuffix(text, "]")
}

// fieldsOf are the fields of a struct by their JSON names.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	known := make(map[string]reflect.StructField, t.NumField())
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && field.Anonymous:
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			maps.Copy(known, fieldsOf(inner))
		case name == "":
			known[field.Name] = field
		default:
			known[name] = field
		}
	}
	return known
}
