package render

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// TestBuiltInScopesAreThoseOfTheClientLibrary takes the scope from whether
// the client's methods ask for a namespace.
func TestBuiltInScopesAreThoseOfTheClientLibrary(t *testing.T) {
	checked := 0
	groups := reflect.TypeFor[kubernetes.Interface]()
	for i := range groups.NumMethod() {
		group := groups.Method(i).Type
		if group.NumIn() != 0 || group.NumOut() != 1 || group.Out(0).Kind() != reflect.Interface {
			continue
		}
		for j := range group.Out(0).NumMethod() {
			checked += checkResource(t, group.Out(0).Method(j).Type)
		}
	}
	t.Logf("checked %d kinds in all versions", checked)
	if checked < 100 {
		t.Errorf("checked only %d kinds", checked)
	}
}

func checkResource(t *testing.T, resource reflect.Type) int {
	if resource.NumOut() != 1 || resource.Out(0).Kind() != reflect.Interface {
		return 0
	}
	create, ok := resource.Out(0).MethodByName("Create")
	if !ok {
		return 0
	}
	object, ok := reflect.New(create.Type.In(1).Elem()).Interface().(runtime.Object)
	if !ok {
		return 0
	}
	kinds, _, err := scheme.Scheme.ObjectKinds(object)
	if err != nil {
		t.Fatal(err)
	}
	want := clusterScoped
	if resource.NumIn() == 1 {
		want = namespaced
	}
	for _, kind := range kinds {
		if got := (scopes{}).of(kind.Group, kind.Kind); got != want {
			t.Errorf("%s: scope %d, want %d", kind, got, want)
		}
	}
	return len(kinds)
}

func TestBuiltInScopesAreThoseOfKustomize(t *testing.T) {
	for kind, want := range builtinScopes {
		for _, version := range []string{"v1", "v1beta1", "v2beta2"} {
			apiVersion := version
			if kind.group != "" {
				apiVersion = kind.group + "/" + version
			}
			isNamespaced, known := openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: apiVersion, Kind: kind.kind})
			if known && isNamespaced != (want == namespaced) {
				t.Errorf("%s %s: Kustomize says namespaced is %t", apiVersion, kind.kind, isNamespaced)
			}
		}
	}
}

func TestACustomKindCantChangeTheScopeOfABuiltInOne(t *testing.T) {
	crd := object{fields: map[string]any{
		"kind": "CustomResourceDefinition",
		"spec": map[string]any{"group": "apps", "scope": "Cluster", "names": map[string]any{"kind": "Deployment"}},
	}}
	if got := scopesOf([]object{crd}).of("apps", "Deployment"); got != namespaced {
		t.Errorf("scope %d", got)
	}
}

func TestADefinitionOfAnUnexpectedFormSaysNothing(t *testing.T) {
	for _, spec := range []any{nil, "text", map[string]any{}, map[string]any{"scope": 1}, map[string]any{"scope": "Cluster", "names": []any{}}} {
		found := scopesOf([]object{{fields: map[string]any{"kind": "CustomResourceDefinition", "spec": spec}}})
		if got := found.of("example.com", "Thing"); got != unknownScope {
			t.Errorf("%v: scope %d", spec, got)
		}
	}
}
