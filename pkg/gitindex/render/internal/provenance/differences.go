package provenance

import (
	"reflect"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Differences are the paths in object at which other has something else: those
// of a map or a list as a whole where its keys or its length differ. It must
// not run while anything else uses Kustomize, whose schema it reads.
func Differences(object, other map[string]any) []string {
	schema := openapi.SchemaForResourceType(kyaml.TypeMeta{APIVersion: scalar(object["apiVersion"]), Kind: scalar(object["kind"])})
	var paths []string
	for _, name := range sortedKeys(object) {
		differ(gitindex.AppendField("", name), object[name], other[name], field(schema, name), &paths)
	}
	return paths
}

func differ(path string, value, other any, schema *openapi.ResourceSchema, paths *[]string) {
	switch v := value.(type) {
	case map[string]any:
		if o, ok := other.(map[string]any); ok && sameKeys(v, o) {
			for _, name := range sortedKeys(v) {
				differ(gitindex.AppendField(path, name), v[name], o[name], field(schema, name), paths)
			}
			return
		}
	case []any:
		if o, ok := other.([]any); ok && sameItems(v, o, schema) {
			for i := range v {
				differ(gitindex.AppendSelector(path, selector(schema, v, i)), v[i], o[i], element(schema), paths)
			}
			return
		}
	}
	if !reflect.DeepEqual(value, other) {
		*paths = append(*paths, path)
	}
}

func sameKeys(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if _, has := b[name]; !has {
			return false
		}
	}
	return true
}

// sameItems tells whether paths call the items of two lists the same.
func sameItems(a, b []any, schema *openapi.ResourceSchema) bool {
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
