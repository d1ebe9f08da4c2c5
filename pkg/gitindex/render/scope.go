package render

// scope tells whether objects of a kind live in namespaces.
type scope int

const (
	unknownScope scope = iota
	namespaced
	clusterScoped
)

type groupKind struct{ group, kind string }

// scopes are those of the kinds that a location itself defines.
type scopes map[groupKind]scope

// scopesOf reads the CustomResourceDefinitions among the objects.
func scopesOf(objects []object) scopes {
	found := scopes{}
	for i := range objects {
		fields := objects[i].fields
		if kind, _ := text(fields, "kind"); kind != "CustomResourceDefinition" {
			continue
		}
		spec, _ := fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		group, _ := text(spec, "group")
		kind, _ := text(names, "kind")
		switch s, _ := text(spec, "scope"); s {
		case "Namespaced":
			found[groupKind{group, kind}] = namespaced
		case "Cluster":
			found[groupKind{group, kind}] = clusterScoped
		}
	}
	return found
}

func (s scopes) of(group, kind string) scope {
	gk := groupKind{group, kind}
	if known, ok := builtinScopes[gk]; ok {
		return known
	}
	return s[gk]
}
