package provenance

import (
	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// setNamespace is Kustomize's namespace: on everything that isn't known to be
// cluster-scoped, and as the name of a Namespace.
func setNamespace(namespace string, at place, items []*item) {
	if namespace == "" {
		return
	}
	for _, it := range items {
		name, own := it.id.Name, namespace
		if it.id.IsClusterScoped() {
			own = it.id.Namespace
		}
		if it.id.Kind == "Namespace" && it.id.Group == "" {
			name = namespace
		}
		it.rename(name, own, at)
		it.then(func(it *item) []claim { return namespaceClaims(it, namespace, at) })
	}
}

// namespaceClaims also finds the subjects and services that Kustomize puts
// into the namespace: by the fields of that name that are new.
func namespaceClaims(it *item, namespace string, at place) []claim {
	var all []claim
	it.eachLeaf(func(path string, value any) {
		before, had := it.values[path]
		changed := !had || before != namespace
		isName := path == "metadata.name" && it.id.Kind == "Namespace" && changed
		if scalar(value) == namespace && (path == "metadata.namespace" || isName || changed && lastStep(path) == "namespace") {
			all = append(all, claim{at, path, namespace, true})
		}
	})
	return all
}

func lastStep(path string) string {
	steps := gitindex.SplitPath(path)
	if len(steps) == 0 {
		return ""
	}
	return steps[len(steps)-1]
}

func addPrefix(prefix string, at place, items []*item) {
	changeName(prefix, at, items, func(name string) string { return prefix + name })
}

func addSuffix(suffix string, at place, items []*item) {
	changeName(suffix, at, items, func(name string) string { return name + suffix })
}

func changeName(text string, at place, items []*item, change func(string) string) {
	if text == "" {
		return
	}
	for _, it := range items {
		if keepsName(it.ids()[0].Gvk) {
			continue
		}
		name := change(it.id.Name)
		it.rename(name, it.id.Namespace, at)
		it.then(func(*item) []claim { return []claim{{at, "metadata.name", name, true}} })
	}
}

// keepsName has the kinds whose names mean something outside of the
// kustomization.
func keepsName(gvk resid.Gvk) bool {
	switch gvk.Kind {
	case "CustomResourceDefinition", "Namespace":
		return true
	case "APIService":
		return gvk.Group == "apiregistration.k8s.io"
	}
	return false
}
