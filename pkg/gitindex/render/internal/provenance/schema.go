package provenance

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Schemas are what is known of the schema that Kustomize works with: to look a
// field up takes it long. They are for as long as that stays the same, and not
// for use by several goroutines at a time. The zero value knows nothing yet.
type Schemas struct {
	kinds map[kyaml.TypeMeta]*fieldSchema
}

// fieldSchema is that of a kind, a field or an item; nil if it is not known.
type fieldSchema struct {
	*openapi.ResourceSchema
	fields map[string]*fieldSchema
	items  *fieldSchema

	keyed  bool // keys and merges are known
	keys   []string
	merges bool
}

// of is the schema of a kind.
func (s *Schemas) of(kind kyaml.TypeMeta) *fieldSchema {
	if known, ok := s.kinds[kind]; ok {
		return known
	}
	found := newSchema(openapi.SchemaForResourceType(kind))
	if found != nil { // of the others there may be any number
		if s.kinds == nil {
			s.kinds = map[kyaml.TypeMeta]*fieldSchema{}
		}
		s.kinds[kind] = found
	}
	return found
}

func newSchema(found *openapi.ResourceSchema) *fieldSchema {
	if found == nil || found.Schema == nil {
		return nil
	}
	return &fieldSchema{ResourceSchema: found}
}

// field is the schema of a field.
func (s *fieldSchema) field(name string) *fieldSchema {
	if s == nil {
		return nil
	}
	if known, ok := s.fields[name]; ok {
		return known
	}
	found := newSchema(s.Field(name))
	if _, named := s.Schema.Properties[name]; named { // of the others there may be any number
		if s.fields == nil {
			s.fields = map[string]*fieldSchema{}
		}
		s.fields[name] = found
	}
	return found
}

// element is the schema of a list's items.
func (s *fieldSchema) element() *fieldSchema {
	if s == nil {
		return nil
	}
	if s.items == nil {
		s.items = newSchema(s.Elements())
	}
	return s.items
}

// mergeKeys are the fields that tell the items of a list apart. merges is
// true, without keys, for a set of scalars.
func (s *fieldSchema) mergeKeys() (keys []string, merges bool) {
	if s == nil {
		return nil, false
	}
	if !s.keyed {
		strategy, keys := s.PatchStrategyAndKeyList()
		s.keyed, s.keys, s.merges = true, keys, strings.Contains(strategy, "merge")
	}
	return s.keys, s.merges
}
