package fields

import (
	"errors"
	"fmt"
	"path"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Ignore names fields that don't count, whatever Git says of them: a Pattern, a
// Pointer or a Query.
type Ignore interface {
	// remove takes the fields out of an object of the kind, and what that
	// leaves empty with them.
	remove(object map[string]any, kind kschema.GroupVersionKind)
}

// ParseIgnore returns what an agent leaves alone by pointer or by query. Its
// managers are no part of that: they are names, for Update. The error names each
// expression that can't be used; it ignores nothing, and the others are returned.
func ParseIgnore(f gitindex.FieldIgnore) ([]Ignore, error) {
	var ignores []Ignore
	var wrong []error
	for _, pattern := range []string{f.Group, f.Kind} {
		if _, err := path.Match(pattern, ""); err != nil {
			wrong = append(wrong, fmt.Errorf("%q is no pattern of a group or a kind: %w", pattern, err))
		}
	}
	for _, text := range f.Pointers {
		if pointer, err := ParsePointer(text); err != nil {
			wrong = append(wrong, err)
		} else {
			ignores = append(ignores, pointer)
		}
	}
	for _, text := range f.JQ {
		if query, err := ParseJQ(text); err != nil {
			wrong = append(wrong, err)
		} else {
			ignores = append(ignores, query)
		}
	}
	return ignores, errors.Join(wrong...)
}

// CheckIgnore says what of an agent's ignored fields can't be used; nil if all
// can.
func CheckIgnore(f gitindex.FieldIgnore) error {
	_, err := ParseIgnore(f)
	return err
}

// ignore takes out of all sides what doesn't count in them, and reports whether
// the request changes any of it. managed are the fields of managers that don't
// count.
func (t *Types) ignore(u *Update, managed *fieldpath.Set, git, before, after map[string]any) bool {
	if len(u.Ignored) == 0 && len(u.Undetermined) == 0 && managed.Empty() {
		return false
	}
	differed := !equal(before, after)
	types, ref := t.of(u.Type)
	for _, object := range []map[string]any{git, before, after} {
		for _, field := range u.Undetermined {
			removeSteps(object, steps(field, u.Type))
		}
		for _, ignored := range u.Ignored {
			ignored.remove(object, u.Type)
		}
		if !managed.Empty() {
			types.disown(ref, nil, object, managed)
		}
	}
	return differed && equal(before, after)
}

// steps are those of a rendered object's path, in an object as it is compared.
func steps(field string, kind kschema.GroupVersionKind) []string {
	steps := gitindex.SplitPath(field)
	if isSecret(kind) && len(steps) > 0 && steps[0] == "stringData" {
		steps[0] = "data"
	}
	return steps
}
