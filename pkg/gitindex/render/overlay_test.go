package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestWhatAnOverlaySetsIsFromNoFile(t *testing.T) {
	overlay := &gitindex.KustomizeBuild{
		NamePrefix:  "eu-",
		Namespace:   "shop",
		Labels:      []gitindex.Labels{{Pairs: map[string]string{"team": "shop"}}},
		Annotations: map[string]string{"by": "agent"},
		Images:      []string{"nginx:2"},
		Replicas:    []gitindex.Replicas{{Name: "web", Count: 3}},
		Patches: []gitindex.Patch{
			{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  paused: true\n"},
			{Patch: "- {op: add, path: /spec/minReadySeconds, value: 5}\n", Target: &gitindex.PatchTarget{Kind: "Deployment"}},
			{Path: "agent.yaml"},
		},
	}
	files := tree(`
-- app/web.yaml --
# a comment
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1
-- app/kustomization.yaml --
resources:
- web.yaml
namespace: old
commonAnnotations:
  note: hand
patches:
- path: own.yaml
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      progressDeadlineSeconds: 60
-- app/own.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  revisionHistoryLimit: 3
-- app/agent.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  strategy: {type: Recreate}
`)
	declared, err := renderTree(files, gitindex.Location{Path: "app", Render: gitindex.Kustomize, Build: gitindex.Build{Kustomize: overlay}})
	if err != nil {
		t.Fatal(err)
	}
	want := `Deployment shop/eu-web  app/web.yaml:2
  spec.revisionHistoryLimit  app/own.yaml:5
  spec.progressDeadlineSeconds  app/kustomization.yaml:13
  spec.paused  :0
  spec.minReadySeconds  :0
  spec.strategy.type  app/agent.yaml:5
  metadata.namespace  :0
  metadata.name  :0
  metadata.labels.team  :0
  metadata.annotations.by  :0
  spec.template.metadata.annotations.by  :0
  metadata.annotations.note  app/kustomization.yaml:5
  spec.template.metadata.annotations.note  app/kustomization.yaml:5
  spec.replicas  :0
  spec.template.spec.containers[name=web].image  :0
`
	if diff := cmp.Diff(want, originsText(declared)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFolderWithoutAKustomizationIsOverlaidAsOneOfAllItsFiles(t *testing.T) {
	files := tree(`
-- app/b.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
-- app/nested/kustomization.yaml --
resources: [a.yaml]
nameSuffix: -x
-- app/nested/a.yaml --

apiVersion: v1
kind: ConfigMap
metadata: {name: a}
-- app/nested/other.yaml --
no: object
-- app/note.json --
[]
`)
	for _, format := range []gitindex.Format{gitindex.Auto, gitindex.Kustomize} {
		declared, err := renderTree(files, gitindex.Location{Path: "app", Render: format, Build: gitindex.Build{
			Kustomize: &gitindex.KustomizeBuild{NamePrefix: "p-"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := `ConfigMap default/p-b  app/b.yaml:1
  metadata.name  :0
ConfigMap default/p-c  app/b.yaml:5
  metadata.name  :0
ConfigMap default/p-a-x  app/nested/a.yaml:2
  metadata.name  :0
`
		if diff := cmp.Diff(want, originsText(declared)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

func TestImagesAreSetAsKustomizeEditDoes(t *testing.T) {
	const digest = "@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3"
	for _, test := range []struct {
		own, set []string
		flux     bool
		want     string
	}{
		{set: []string{"nginx:2"}, want: "nginx:2"},
		{set: []string{"nginx" + digest}, want: "nginx" + digest},
		{set: []string{"nginx=mirror:5000/nginx"}, want: "mirror:5000/nginx:1"},
		{set: []string{"nginx=mirror:5000/nginx:3"}, want: "mirror:5000/nginx:3"},
		{set: []string{"nginx=mirror/nginx:3" + digest}, want: "mirror/nginx:3" + digest},
		{set: []string{"nginx:2", "nginx:3"}, want: "nginx:3"},
		{set: []string{"nginx=*:3"}, want: "nginx:3"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx:2"}, want: "nginx:2"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx:2"}, flux: true, want: "own:2"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx=new"}, want: "new:1"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx=new"}, flux: true, want: "new:9"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx=*:2"}, want: "own:2"},
		{own: []string{"newName: own", "newTag: \"9\""}, set: []string{"nginx=new:*"}, want: "new:9"},
	} {
		images := ""
		if test.own != nil {
			images = "images: [{name: nginx, " + strings.Join(test.own, ", ") + "}]\n"
		}
		files := tree("-- kustomization.yaml --\nresources: [web.yaml]\n" + images + "-- web.yaml --\n" + deployment)
		declared, err := renderTree(files, gitindex.Location{Path: ".", Build: gitindex.Build{
			Flux: test.flux, Kustomize: &gitindex.KustomizeBuild{Images: test.set},
		}})
		if err != nil {
			t.Errorf("%v: %v", test.set, err)
			continue
		}
		if got := decode(t, declared[0].Manifest.JSON()); !strings.Contains(fmt.Sprint(got), " image:"+test.want+" ") && !strings.Contains(fmt.Sprint(got), "[image:"+test.want+" ") {
			t.Errorf("own %v, set %v, flux %t: %s has no image %s", test.own, test.set, test.flux, declared[0].Manifest.JSON(), test.want)
		}
	}
}

func TestAnOverlayThatDoesNotFitIsAnError(t *testing.T) {
	for _, test := range []struct {
		overlay gitindex.KustomizeBuild
		want    string
	}{
		{gitindex.KustomizeBuild{Images: []string{"nginx"}}, "the image nginx has neither a new name nor a tag nor a digest: give it one"},
		{gitindex.KustomizeBuild{Components: []string{"/part"}}, "the component /part is named by an absolute path: name it relative to ."},
		{gitindex.KustomizeBuild{Components: []string{"https://example.com/org/repo"}},
			"kustomization.yaml: remote component https://example.com/org/repo is not fetched: copy it into this repository"},
		{gitindex.KustomizeBuild{Components: []string{"../part"}}, "kustomization.yaml: component ../part: the path leads out of the repository"},
		{gitindex.KustomizeBuild{Components: []string{"part"}}, "kustomization.yaml: component part does not exist: correct the path, or add it"},
		{gitindex.KustomizeBuild{Patches: []gitindex.Patch{{}}}, "kustomization.yaml: a patch has neither path nor patch: give it one of them"},
		{gitindex.KustomizeBuild{Patches: []gitindex.Patch{{Patch: "- {op: remove, path: /spec/absent}", Target: &gitindex.PatchTarget{Kind: "Deployment"}}}},
			"kustomization.yaml: Kustomize can't build it: error in remove for path: '/spec/absent': Unable to remove nonexistent key: absent: missing value"},
		{gitindex.KustomizeBuild{Patches: []gitindex.Patch{{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: absent}\n"}}},
			"kustomization.yaml: ConfigMap absent, which this patches, is none of the resources of kustomization.yaml, and of that kind none is there: correct its name, namespace or apiVersion"},
	} {
		files := tree("-- kustomization.yaml --\nresources: [web.yaml]\n-- web.yaml --\n" + deployment)
		got := mustFail(t, files, gitindex.Location{Path: ".", Build: gitindex.Build{Kustomize: &test.overlay}})
		if got != test.want {
			t.Errorf("%+v:\n got %s\nwant %s", test.overlay, got, test.want)
		}
	}
}

func TestLabelsReplaceThoseOfTheSamePlaces(t *testing.T) {
	files := tree("-- kustomization.yaml --\nresources: [web.yaml]\ncommonLabels: {app: old, kept: \"1\"}\n-- web.yaml --\n" + deployment)
	declared, err := renderTree(files, gitindex.Location{Path: ".", Build: gitindex.Build{Kustomize: &gitindex.KustomizeBuild{
		Labels: []gitindex.Labels{
			{Pairs: map[string]string{"app": "new"}, Selectors: true},
			{Pairs: map[string]string{"outer": "2"}},
			{Pairs: map[string]string{"inner": "3"}, Templates: true},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	spec := decode(t, declared[0].Manifest.JSON())["spec"].(map[string]any)
	got := fmt.Sprint(decode(t, declared[0].Manifest.JSON())["metadata"].(map[string]any)["labels"], spec["selector"], spec["template"].(map[string]any)["metadata"])
	want := "map[app:new inner:3 kept:1 outer:2] map[matchLabels:map[app:new kept:1]] map[labels:map[app:new inner:3 kept:1]]"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPlainFilesHaveNoOverlay(t *testing.T) {
	declared, err := renderTree(tree("-- web.yaml --\n"+deployment), gitindex.Location{Path: ".", Render: gitindex.Plain, Build: gitindex.Build{
		Kustomize: &gitindex.KustomizeBuild{NamePrefix: "p-"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := declared[0].Key.String(); got != "Deployment default/web" {
		t.Errorf("got %s", got)
	}
}
