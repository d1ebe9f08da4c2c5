package render

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// chartObjects are two objects as a chart renders them.
func chartObjects() []object {
	return []object{
		{file: "templates/web.yaml", line: 3, fields: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "nginx:1"}}}}},
		}},
		{file: "templates/cm.yaml", line: 1, fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "settings"}, "data": map[string]any{"key": "1"},
		}},
	}
}

func TestAPostRendererKeepsWhereObjectsAreFrom(t *testing.T) {
	j := &job{options: Options{}.withDefaults(), files: &files{}, children: newChildren(Options{}.withDefaults()), at: gitindex.Location{Render: gitindex.Helm, Build: gitindex.Build{
		Kustomize: &gitindex.KustomizeBuild{
			Images:  []string{"nginx:2"},
			Patches: []gitindex.Patch{{Patch: "$patch: delete\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"}},
		},
	}}}
	objects, err := j.postRender(chartObjects())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, fmt.Sprintf("%s %v", o.place(), o.sets))
		if text, _ := compact(o.fields); !strings.Contains(string(text), `"image":"nginx:2"`) {
			t.Errorf("the image is not set: %s", text)
		}
	}
	if diff := cmp.Diff([]string{"templates/web.yaml:3 [{spec.template.spec.containers[name=web].image  0}]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPostRendererThatDoesNotFitIsAnError(t *testing.T) {
	j := &job{options: Options{}.withDefaults(), files: &files{}, children: newChildren(Options{}.withDefaults()), at: gitindex.Location{Render: gitindex.Helm, Build: gitindex.Build{
		Kustomize: &gitindex.KustomizeBuild{Patches: []gitindex.Patch{{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: absent}\n"}}},
	}}}
	_, err := j.postRender(chartObjects())
	want := "applying the post-renderer's patches and images: ConfigMap absent, which this patches, is none of the resources of ., and of that kind there is settings: correct its name, namespace or apiVersion"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestWhatAChartMakesOfASecretsValueIsHidden(t *testing.T) {
	at := gitindex.Location{Build: gitindex.Build{Helm: &gitindex.HelmBuild{Values: "a: real", Concealed: "a: other"}}}
	for _, test := range []struct {
		name  string
		again func(gitindex.Location) ([]object, error)
		want  []string
	}{
		{"one field differs", func(at gitindex.Location) ([]object, error) {
			if at.Build.Helm.Values != "a: other" || at.Build.Helm.Concealed != "" {
				t.Errorf("rendered again with %+v", at.Build.Helm)
			}
			objects := chartObjects()
			objects[1].fields["data"] = map[string]any{"key": "2"}
			return objects, nil
		}, []string{"[]", "[data.key]"}},
		{"an object is missing", func(gitindex.Location) ([]object, error) { return chartObjects()[:1], nil },
			[]string{"[]", "[apiVersion data kind metadata]"}},
		{"it can't be rendered", func(gitindex.Location) ([]object, error) { return nil, errors.New("broken") },
			[]string{"[apiVersion kind metadata spec]", "[apiVersion data kind metadata]"}},
	} {
		objects := chartObjects()
		conceal(objects, at, test.again)
		var got []string
		for _, o := range objects {
			got = append(got, fmt.Sprint(o.hidden))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if at.Build.Helm.Values != "a: real" {
		t.Error("the location was changed")
	}
}
