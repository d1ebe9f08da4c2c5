package render

import "gitonly.dev/gitonly/pkg/gitindex/render/internal/provenance"

// settled compares two renderings of the same files. What is made up anew each
// time, such as a password, differs: those fields are undetermined, and an
// object that is only in one of them, such as one with a random name, is left
// out.
func settled(first, second []object) []object {
	others := make(map[identity]*object, len(second))
	for i := range second {
		others[identityOf(&second[i])] = &second[i]
	}
	// The paths take the schema that Kustomize works with.
	engine.Lock()
	defer engine.Unlock()
	var all []object
	for _, o := range first {
		other, found := others[identityOf(&o)]
		if !found {
			continue
		}
		version, _ := text(o.fields, "apiVersion")
		kind, _ := text(o.fields, "kind")
		o.undetermined = provenance.Differences(version, kind, o.fields, other.fields)
		all = append(all, o)
	}
	return all
}

// identity tells the objects of one rendering apart.
type identity struct{ version, kind, namespace, name string }

func identityOf(o *object) identity {
	metadata, _ := o.fields["metadata"].(map[string]any)
	var id identity
	id.version, _ = text(o.fields, "apiVersion")
	id.kind, _ = text(o.fields, "kind")
	id.namespace, _ = text(metadata, "namespace")
	id.name, _ = text(metadata, "name")
	return id
}
