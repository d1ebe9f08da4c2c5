package provenance

import (
	"reflect"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Differences returns the paths of the fields in which two objects of a kind
// differ, spelled as those of origins. A list whose items can't be told apart
// differs as a whole.
func Differences(apiVersion, kind string, a, b map[string]any) []string {
	schema := new(Schemas).of(kyaml.TypeMeta{APIVersion: apiVersion, Kind: kind})
	var d differences
	d.compare("", a, b, schema)
	return d
}

type differences []string

func (d *differences) compare(path string, a, b any, schema *fieldSchema) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			d.fields(path, a, b, schema)
			return
		}
	case []any:
		if b, ok := b.([]any); ok && paired(a, b, schema) {
			for i := range a {
				d.compare(gitindex.AppendSelector(path, selector(schema, a, i)), a[i], b[i], schema.element())
			}
			return
		}
	}
	*d = append(*d, path)
}

func (d *differences) fields(path string, a, b map[string]any, schema *fieldSchema) {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		below := gitindex.AppendField(path, name)
		one, inA := a[name]
		other, inB := b[name]
		if inA != inB {
			*d = append(*d, below)
			continue
		}
		d.compare(below, one, other, schema.field(name))
	}
}

// paired reports whether the items of two lists belong together in pairs.
func paired(a, b []any, schema *fieldSchema) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if selector(schema, a, i) != selector(schema, b, i) {
			return false
		}
	}
	return true
}
