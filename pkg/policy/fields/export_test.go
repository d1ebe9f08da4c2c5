package fields

import kschema "k8s.io/apimachinery/pkg/runtime/schema"

// Normalize is what is compared of a declared object.
func (t *Types) Normalize(gvk kschema.GroupVersionKind, declared []byte) (map[string]any, error) {
	return t.normalize(gvk, declared, nil)
}

// Plain is a normalized value without the marks of this package.
func Plain(value any) any { return plain(value) }
