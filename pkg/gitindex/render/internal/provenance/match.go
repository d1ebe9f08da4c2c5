package provenance

import (
	"regexp"

	"sigs.k8s.io/kustomize/kyaml/resid"
)

// match finds the item that each finished object has become of; nil if there
// is none.
func match(items []*item, objects []map[string]any) []*item {
	byID := map[resid.ResId][]*item{}
	byKind := map[resid.Gvk][]*item{}
	for _, it := range items {
		if !it.gone {
			byID[key(it.id)] = append(byID[key(it.id)], it)
		}
	}
	matched := make([]*item, len(objects))
	used := map[*item]bool{}
	take := func(i int, candidates []*item, fits func(*item) bool) {
		for _, it := range candidates {
			if matched[i] == nil && !used[it] && fits(it) {
				matched[i], used[it] = it, true
			}
		}
	}
	for i, object := range objects {
		id := idOfObject(object)
		take(i, byID[key(id)], func(it *item) bool { return !it.hashed })
		id.Name = hash.ReplaceAllString(id.Name, "")
		take(i, byID[key(id)], func(it *item) bool { return it.hashed })
	}
	// What is left was renamed by something unknown. Kustomize keeps the order.
	for _, it := range items {
		if !it.gone && !used[it] {
			byKind[it.id.Gvk] = append(byKind[it.id.Gvk], it)
		}
	}
	for i, object := range objects {
		if matched[i] == nil {
			take(i, byKind[idOfObject(object).Gvk], func(*item) bool { return true })
		}
	}
	return matched
}

// hash is what Kustomize appends to the names of generated objects.
var hash = regexp.MustCompile(`-[a-z0-9]{10}$`)

func idOfObject(object map[string]any) resid.ResId {
	metadata, _ := object["metadata"].(map[string]any)
	group, version := resid.ParseGroupVersion(scalar(object["apiVersion"]))
	gvk := resid.NewGvk(group, version, scalar(object["kind"]))
	id := resid.NewResIdWithNamespace(gvk, "", "")
	if name, ok := metadata["name"].(string); ok {
		id.Name = name
	}
	if namespace, ok := metadata["namespace"].(string); ok {
		id.Namespace = namespace
	}
	return id
}

// key makes no difference between no namespace and the default one.
func key(id resid.ResId) resid.ResId {
	if id.Namespace == "default" {
		id.Namespace = ""
	}
	return id
}
