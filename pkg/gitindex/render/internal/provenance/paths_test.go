package provenance

import (
	"encoding/json"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestPathsAreFollowedThroughTheFinishedObject(t *testing.T) {
	var object map[string]any
	if err := json.Unmarshal([]byte(`{"metadata": {"annotations": {"a/b": "c"}},
		"spec": {"template": {"spec": {
			"containers": [
				{"name": "init", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}], "args": ["a", "b"]},
				{"name": "web", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
			"tolerations": [{"key": "x"}],
			"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]}}},
		"unknown": {"named": [{"name": "one"}, {"name": "two"}], "mixed": [{"name": "one"}, {}]}}`), &object); err != nil {
		t.Fatal(err)
	}
	schema := new(Schemas).of(kyaml.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"})
	for _, test := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"a field", []string{"spec", "replicas"}, []string{"spec.replicas"}},
		{"a field with a slash", []string{"metadata", "annotations", "a/b"}, []string{"metadata.annotations[a/b]"}},
		{"an index of a list by name", []string{"spec", "template", "spec", "containers", "1", "image"}, []string{"spec.template.spec.containers[name=web].image"}},
		{"the end of a list", []string{"spec", "template", "spec", "containers", "-"}, []string{"spec.template.spec.containers[name=web]"}},
		{"every item", []string{"spec", "template", "spec", "containers", "*", "image"}, []string{"spec.template.spec.containers[name=init].image", "spec.template.spec.containers[name=web].image"}},
		{"an item by a key", []string{"spec", "template", "spec", "containers", "[name=web]", "image"}, []string{"spec.template.spec.containers[name=web].image"}},
		{"a list with several keys", []string{"spec", "template", "spec", "containers", "0", "ports", "1"}, []string{"spec.template.spec.containers[name=init].ports[containerPort=53,protocol=UDP]"}},
		{"a list with several keys, of which one is given", []string{"spec", "template", "spec", "containers", "0", "ports", "0"}, []string{"spec.template.spec.containers[name=init].ports[containerPort=80]"}},
		{"a list whose key is not the name", []string{"spec", "template", "spec", "containers", "1", "volumeMounts", "0"}, []string{"spec.template.spec.containers[name=web].volumeMounts[mountPath=/data]"}},
		{"a list of text", []string{"spec", "template", "spec", "containers", "0", "args", "1"}, []string{"spec.template.spec.containers[name=init].args[1]"}},
		{"a list without keys", []string{"spec", "template", "spec", "tolerations", "0"}, []string{"spec.template.spec.tolerations[0]"}},
		{"an unknown list whose items have names", []string{"unknown", "named", "1"}, []string{"unknown.named[name=two]"}},
		{"an unknown list of which some have names", []string{"unknown", "mixed", "0"}, []string{"unknown.mixed[0]"}},
		{"text with more structure in it", []string{"metadata", "annotations", "a/b", "c", "d"}, []string{"metadata.annotations[a/b]"}},
		{"nothing", []string{"status", "replicas", "x"}, nil},
		{"an index that is too high", []string{"unknown", "named", "7"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := follow(object, schema, test.steps); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestImagesAreChangedAsKustomizeDoes(t *testing.T) {
	const digest = "sha256:24a0c4b4"
	for _, test := range []struct {
		before string
		image  types.Image
		want   string
	}{
		{"web", types.Image{NewTag: "2"}, "web:2"},
		{"web:1", types.Image{NewTag: "2"}, "web:2"},
		{"web:1@sha256:0", types.Image{NewTag: "2"}, "web:2"},
		{"web:1", types.Image{Digest: digest}, "web@" + digest},
		{"web:1", types.Image{NewTag: "2", Digest: digest}, "web:2@" + digest},
		{"web:1", types.Image{NewName: "host:5000/web"}, "host:5000/web:1"},
		{"host:5000/web", types.Image{NewTag: "2"}, "host:5000/web:2"},
		{"web:1", types.Image{TagSuffix: "-alpine"}, "web:1-alpine"},
	} {
		if got := newImage(test.before, test.image); got != test.want {
			t.Errorf("%s became %s, want %s", test.before, got, test.want)
		}
	}
}

func TestJSONPointersAreUnescaped(t *testing.T) {
	if got := pointer("/metadata/annotations/a~1b~0c"); !slices.Equal(got, []string{"metadata", "annotations", "a/b~c"}) {
		t.Error(got)
	}
}
