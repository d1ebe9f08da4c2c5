package fields

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	apijson "sigs.k8s.io/json"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// normalize decodes a declared object into the spelling that the API server
// would give it: quantities, times and the like in their canonical form, what
// the API server drops as unknown or null left out, stringData moved to data,
// what Git holds encrypted opaque. Where the object lives encrypted as well, so
// that ciphertext can be compared, live says so. It adds no defaults but to what
// is compared as a whole by a schema that has them.
func (t *Types) normalize(gvk kschema.GroupVersionKind, declared []byte, live map[string]any) (map[string]any, error) {
	first := reader{noting: true}
	raw, err := first.decode(declared)
	if err != nil {
		return nil, err
	}
	sealed := encrypted(raw) && !encrypted(live)
	if sealed {
		seal(raw)
	}
	if isSecret(gvk) {
		moveStringData(raw)
	}
	object, ref, ok := t.typed(gvk)
	if !ok {
		return t.keep(gvk, raw), nil
	}
	var canonical map[string]any
	if sealed || isSecret(gvk) {
		canonical, err = respell(raw, object)
	} else {
		canonical, err = through(object, declared, &first) // raw is as it was decoded
	}
	if err != nil {
		if sealed {
			return withoutNulls(raw), nil // ciphertext may stand where a number must
		}
		return nil, err
	}
	return t.pruneMap(t.atom(ref).Map, raw, canonical), nil
}

// keep is what the API server keeps of an object that has no Go type.
func (t *Types) keep(gvk kschema.GroupVersionKind, raw map[string]any) map[string]any {
	t.keepMetadata(raw)
	served, ref, ok := t.published(gvk)
	if !ok {
		return withoutNulls(raw)
	}
	return served.adoptMap(served.atom(ref).Map, raw, false)
}

// keepMetadata spells the metadata of an object that has no Go type: that is of
// one in all objects.
func (t *Types) keepMetadata(raw map[string]any) {
	metadata, ok := raw["metadata"].(map[string]any)
	if !ok {
		return
	}
	var typed metav1.ObjectMeta
	canonical, err := respell(metadata, &typed)
	if err != nil {
		return // the API server refuses it
	}
	name := typed.OpenAPIModelName()
	raw["metadata"] = t.pruneMap(t.atom(schema.TypeRef{NamedType: &name}).Map, metadata, canonical)
}

// respell sends raw through its Go type, which object is a pointer to, without
// what is opaque.
func respell(raw map[string]any, object any) (map[string]any, error) {
	encoded, err := json.Marshal(readable(raw))
	if err != nil {
		return nil, err
	}
	return through(object, encoded, nil)
}

// through sends an encoded object through its Go type. What that leaves as it is
// may be shared with what has read it.
func through(object any, encoded []byte, first *reader) (map[string]any, error) {
	if err := apijson.UnmarshalCaseSensitivePreserveInts(encoded, object); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	second := reader{other: first}
	return second.decode(encoded)
}

// prune cuts canonical down to what raw spells out: a Go type adds empty
// structures of its own. What raw spells out and the type leaves away is unset.
// Canonical is changed.
func (t *Types) prune(ref schema.TypeRef, raw, canonical any) any {
	switch r := raw.(type) {
	case opaque:
		return r
	case map[string]any:
		c, ok := canonical.(map[string]any)
		if !ok {
			return canonical
		}
		if identical(r, c) && !hasNull(c) {
			return c
		}
		return t.pruneMap(t.atom(ref).Map, r, c)
	case []any:
		c, ok := canonical.([]any)
		if !ok || len(c) != len(r) {
			return canonical
		}
		var element schema.TypeRef
		if list := t.atom(ref).List; list != nil {
			element = list.ElementType
		}
		for i := range c {
			c[i] = t.prune(element, r[i], c[i])
		}
		return canonical
	}
	return canonical
}

func (t *Types) pruneMap(m *schema.Map, raw, canonical map[string]any) map[string]any {
	for name := range canonical {
		if raw[name] == nil {
			delete(canonical, name)
		}
	}
	for name, value := range raw {
		if value == nil {
			continue
		}
		if hidden, ok := value.(opaque); ok {
			canonical[name] = hidden
			continue
		}
		if c := canonical[name]; c != nil {
			canonical[name] = t.prune(field(m, name), value, c)
			continue
		}
		delete(canonical, name)
		if known(m, name) {
			canonical[name] = unset{value}
		}
	}
	return canonical
}

// known reports whether the API server would keep a member of that name.
func known(m *schema.Map, name string) bool {
	if m == nil {
		return true
	}
	if _, ok := m.FindField(name); ok {
		return true
	}
	return len(m.Fields) == 0
}

func hasNull(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		for _, member := range v {
			if hasNull(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasNull)
	}
	return false
}

func withoutNulls(object map[string]any) map[string]any {
	for name, value := range object {
		switch v := value.(type) {
		case nil:
			delete(object, name)
		case map[string]any:
			withoutNulls(v)
		}
	}
	return object
}

func isSecret(gvk kschema.GroupVersionKind) bool {
	return gvk.Group == "" && gvk.Kind == "Secret"
}

// moveStringData does what the API server does on a write of a Secret.
func moveStringData(secret map[string]any) {
	plain, ok := secret["stringData"].(map[string]any)
	if !ok {
		return
	}
	delete(secret, "stringData")
	data, ok := secret["data"].(map[string]any)
	if !ok {
		data = map[string]any{}
		secret["data"] = data
	}
	for name, value := range plain {
		switch v := value.(type) {
		case string:
			data[name] = base64.StdEncoding.EncodeToString([]byte(v))
		case opaque:
			data[name] = v
		}
	}
}
