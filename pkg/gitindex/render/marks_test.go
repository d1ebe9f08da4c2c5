package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const kinds = `
-- all.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: own, labels: {a: git, b: git}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: none}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:viewer"}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, namespace: odd}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec: {group: example.com, names: {kind: Gadget}, scope: Cluster}
---
apiVersion: example.com/v1
kind: Gadget
metadata: {name: g}
`

func metadataOf(t *testing.T, declared []gitindex.Declared) string {
	t.Helper()
	var b strings.Builder
	for _, d := range declared {
		metadata := decode(t, d.Manifest.JSON())["metadata"].(map[string]any)
		fmt.Fprintf(&b, "%s: %v %v %v\n", d.Key, metadata["namespace"], metadata["labels"], metadata["annotations"])
	}
	return b.String()
}

func TestMarksAreAddedToEachObject(t *testing.T) {
	for _, test := range []struct {
		name  string
		build gitindex.Build
		want  string
	}{
		{"labels", gitindex.Build{Marks: gitindex.Marks{Labels: map[string]string{"a": "agent"}}}, `ConfigMap own/own: own map[a:agent b:git] <nil>
Deployment there/none: there map[a:agent] <nil>
ClusterRole system:viewer: <nil> map[a:agent] <nil>
Namespace shop: <nil> map[a:agent] <nil>
Widget there/w: <nil> map[a:agent] <nil>
CustomResourceDefinition gadgets.example.com: <nil> map[a:agent] <nil>
Gadget g: <nil> map[a:agent] <nil>
`},
		{"tracking", gitindex.Build{Marks: gitindex.Marks{TrackingAnnotation: "track", TrackingApplication: "app", SkipDefinitions: true}}, `ConfigMap own/own: own map[a:git b:git] map[track:app:/ConfigMap:own/own]
Deployment there/none: there <nil> map[track:app:apps/Deployment:there/none]
ClusterRole system:viewer: <nil> <nil> map[track:app:rbac.authorization.k8s.io/ClusterRole:there/system:viewer]
Namespace shop: <nil> <nil> map[track:app:/Namespace:odd/shop]
Widget there/w: <nil> <nil> map[track:app:example.com/Widget:there/w]
CustomResourceDefinition gadgets.example.com: <nil> <nil> <nil>
Gadget g: <nil> <nil> map[track:app:example.com/Gadget:there/g]
`},
		{"namespace", gitindex.Build{Namespace: "every"}, `ConfigMap every/own: every map[a:git b:git] <nil>
Deployment every/none: every <nil> <nil>
ClusterRole system:viewer: <nil> <nil> <nil>
Namespace shop: <nil> <nil> <nil>
Widget every/w: <nil> <nil> <nil>
CustomResourceDefinition gadgets.example.com: <nil> <nil> <nil>
Gadget g: <nil> <nil> <nil>
`},
	} {
		declared, err := renderTree(tree(kinds), gitindex.Location{Path: ".", Namespace: "there", Build: test.build})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, metadataOf(t, declared)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAMarkIsFromNoFile(t *testing.T) {
	declared, err := renderTree(tree(kinds), gitindex.Location{Path: ".", Build: gitindex.Build{Marks: gitindex.Marks{
		Labels: map[string]string{"a": "agent"}, Annotations: map[string]string{"x.y/z": "1"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	want := "ConfigMap own/own  all.yaml:1\n  metadata.labels.a  :0\n  metadata.annotations[x.y/z]  :0\n"
	if got := originsText(declared[:1]); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestMarksNeedAMap(t *testing.T) {
	files := tree("-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: [a]}\n")
	got := mustFail(t, files, gitindex.Location{Path: ".", Build: gitindex.Build{Marks: gitindex.Marks{Labels: map[string]string{"a": "b"}}}})
	if want := "a.yaml:1: metadata.labels has to be a map"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

const asked = `
-- all.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: alone, annotations: {kustomize.toolkit.fluxcd.io/reconcile: Disabled}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ignored, labels: {kustomize.toolkit.fluxcd.io/ssa: Ignore}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: once, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {key: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: merged, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge, kustomize.toolkit.fluxcd.io/prune: disabled}}
data: {key: "1"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
status: {loadBalancer: {}}
`

func TestWhatFluxDoesNotApplyIsNotDeclared(t *testing.T) {
	text := func(build gitindex.Build) string {
		declared, err := renderTree(tree(asked), gitindex.Location{Path: ".", Build: build})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, d := range declared {
			fmt.Fprintf(&b, "%s %s\n", d.Key, d.Manifest.JSON())
		}
		return b.String()
	}
	want := `ConfigMap shop/once {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"once","namespace":"shop"}}
ConfigMap default/merged {"apiVersion":"v1","data":{"key":"1"},"kind":"ConfigMap","metadata":{"annotations":{"kustomize.toolkit.fluxcd.io/prune":"disabled","kustomize.toolkit.fluxcd.io/ssa":"Merge"},"name":"merged","namespace":"default"}}
Service default/web {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default"}}
`
	if diff := cmp.Diff(want, text(gitindex.Build{Flux: true, Kustomize: &gitindex.KustomizeBuild{}})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := text(gitindex.Build{}); strings.Count(got, "\n") != 5 || !strings.Contains(got, "status") {
		t.Errorf("another agent declares %s", got)
	}
}
