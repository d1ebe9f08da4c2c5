package fields

import (
	"errors"
	"slices"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// A Scale shows one field of the object that it scales, under another name:
// spec.replicas. Of Kubernetes' own kinds the field is called so too; of others
// their definition says which it is, version by version.

// errUnknownScale is for a kind whose definition isn't known.
var errUnknownScale = errors.New("which field its scale changes is not known, as the CustomResourceDefinition of its kind has not been read: try again, or change that field itself")

// scaledField is the field of a kind that a Scale stands for.
func (t *Types) scaledField(gvk kschema.GroupVersionKind, git map[string]any) ([]string, error) {
	if !t.HasGoType(gvk) {
		if t.schemas != nil {
			if path := t.schemas.Replicas(gvk); len(path) > 0 {
				return path, nil
			}
		}
		if len(git) > 0 {
			return nil, errUnknownScale
		}
		// Git is silent about the object, whatever the field is: it has the Scale's name.
	}
	return []string{"spec", "replicas"}, nil
}

// scaled is the object that a Scale shows: it has the one field.
func scaled(path []string, scale map[string]any) map[string]any {
	object := replicas(scale)
	for _, name := range slices.Backward(path) {
		object = map[string]any{name: object}
	}
	return object.(map[string]any)
}

// replicas are what a Scale says. It leaves out 0, whereas a Deployment without
// replicas has 1.
func replicas(scale map[string]any) any {
	spec, _ := scale["spec"].(map[string]any)
	if count := spec["replicas"]; count != nil {
		return count
	}
	return int64(0)
}

// only leaves nothing in an object but what is on the way to a field, and the
// field.
func only(object map[string]any, path []string) {
	keep(object, path[0])
	if member, ok := object[path[0]].(map[string]any); ok && len(path) > 1 {
		only(member, path[1:])
	}
}
