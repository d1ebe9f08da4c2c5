package sweep

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// The least that the corpus must have.
const (
	leastBuiltIn = 35
	leastCustom  = 6
)

// coverage says what of the API the corpus tries: its kinds, and, of the types
// that the built-in ones are made of, the fields.
type coverage struct {
	builtIn, custom map[kschema.GroupKind]bool
	fields          map[string]bool // type.field → whether any object declares it
}

func (s *scene) coverage() coverage {
	c := coverage{builtIn: map[kschema.GroupKind]bool{}, custom: map[kschema.GroupKind]bool{}, fields: map[string]bool{}}
	for _, t := range s.things {
		gvk := (&unstructured.Unstructured{Object: t.git}).GroupVersionKind()
		if _, ok := s.types.custom[gvk]; ok {
			c.custom[gvk.GroupKind()] = true
			continue
		}
		c.builtIn[gvk.GroupKind()] = true
		ref := s.types.of(t.git)
		c.reach(s.types, ref)
		c.declare(s.types, ref, t.git)
	}
	return c
}

// reach notes all fields below a type.
func (c coverage) reach(t *types, ref schema.TypeRef) {
	atom := t.atom(ref)
	if atom.Scalar != nil {
		return // or anything at all
	}
	if atom.List != nil {
		c.reach(t, atom.List.ElementType)
	}
	if atom.Map == nil {
		return
	}
	for _, member := range atom.Map.Fields {
		name := fieldOf(ref, member.Name)
		if _, known := c.fields[name]; known || notDeclarable(name) {
			continue
		}
		c.fields[name] = false
		c.reach(t, member.Type)
	}
	c.reach(t, atom.Map.ElementType)
}

// declare notes the fields that a value has.
func (c coverage) declare(t *types, ref schema.TypeRef, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if _, known := c.fields[fieldOf(ref, name)]; known {
				c.fields[fieldOf(ref, name)] = true
			}
			c.declare(t, t.at(ref, field{name}), member)
		}
	case []any:
		for _, item := range v {
			c.declare(t, t.at(ref, field{0}), item)
		}
	}
}

func fieldOf(ref schema.TypeRef, name string) string {
	if ref.NamedType == nil {
		return "." + name
	}
	return *ref.NamedType + "." + name
}

// notDeclarable reports whether a field is none that Git declares: the status,
// and what the API server keeps in metadata.
func notDeclarable(name string) bool {
	if strings.HasSuffix(name, "Condition.status") {
		return false
	}
	if member, ok := strings.CutPrefix(name, objectMeta+"."); ok {
		return outside(field{"metadata", member})
	}
	return strings.HasSuffix(name, ".status")
}

// reportCoverage prints how much the corpus covers, and holds it to the least.
func (s *scene) reportCoverage(t *testing.T) {
	c := s.coverage()
	declared := 0
	var missing []string
	for name, is := range c.fields {
		if is {
			declared++
		} else {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	keepLines(t, "fields-not-declared.txt", missing)
	t.Logf("corpus: %d objects of %d built-in and %d custom kinds; of the %d fields that the built-in ones' types have, %d are declared", len(s.things), len(c.builtIn), len(c.custom), len(c.fields), declared)
	if len(c.builtIn) < leastBuiltIn || len(c.custom) < leastCustom {
		t.Errorf("the corpus has %d built-in and %d custom kinds, it must have %d and %d", len(c.builtIn), len(c.custom), leastBuiltIn, leastCustom)
	}
}
