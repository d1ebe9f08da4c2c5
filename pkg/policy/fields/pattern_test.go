package fields_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func TestIgnoredFields(t *testing.T) {
	const git = `{metadata: {labels: {app: web}}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: a}, {name: log, image: b}]}}}}`
	for _, test := range []struct {
		name     string
		ignored  string
		old, new string
		want     []string
		any      bool
		counted  bool // Change.Ignored
	}{
		{name: "a field", ignored: "spec.replicas", old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 5}}`, counted: true},
		{name: "a field, in vain", ignored: "spec.paused", old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 5}}`, any: true,
			want: []string{"declared spec.replicas: git 1, old 1, new 5"}},
		{name: "a field and another change", ignored: "spec.replicas", old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 5, paused: true}}`, any: true,
			want: []string{"undeclared spec.paused: git -, old -, new true"}},
		{name: "all below a path", ignored: "spec.template", old: `{}`, new: `{spec: {template: {metadata: {labels: {a: b}}}}}`, counted: true},
		{name: "a member with dots in its name", ignored: "metadata.annotations[example.com/build]", old: `{metadata: {name: w}}`, new: `{metadata: {name: w, annotations: {example.com/build: "7"}}}`, counted: true},
		{name: "an item of a list by its key", ignored: "spec.template.spec.containers[name=web].image",
			old: `{spec: {template: {spec: {containers: [{name: web, image: a}, {name: log, image: b}]}}}}`,
			new: `{spec: {template: {spec: {containers: [{name: web, image: c}, {name: log, image: d}]}}}}`, any: true,
			want: []string{`declared spec.template.spec.containers[name=log].image: git "b", old "b", new "d"`}},
		{name: "a whole item that is new", ignored: "spec.template.spec.containers[name=proxy]",
			old: `{spec: {template: {spec: {containers: [{name: web, image: a}, {name: log, image: b}]}}}}`,
			new: `{spec: {template: {spec: {containers: [{name: proxy, image: p}, {name: web, image: a}, {name: log, image: b}]}}}}`, counted: true},
		{name: "all items", ignored: "spec.template.spec.containers[*].image",
			old: `{spec: {template: {spec: {containers: [{name: web, image: a}, {name: log, image: b}]}}}}`,
			new: `{spec: {template: {spec: {containers: [{name: web, image: c}, {name: log, image: d}]}}}}`, counted: true},
		{name: "an item of a set", ignored: "metadata.finalizers[example.com/hold]",
			old: `{metadata: {finalizers: [other]}}`, new: `{metadata: {finalizers: [other, example.com/hold]}}`, counted: true},
		{name: "nothing changes", ignored: "spec.replicas", old: `{spec: {replicas: 5}}`, new: `{spec: {replicas: 5}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			types, err := builtin.Types()
			if err != nil {
				t.Fatal(err)
			}
			pattern, err := fields.ParsePattern(test.ignored)
			if err != nil {
				t.Fatal(err)
			}
			change, err := types.Compare(fields.Update{Type: deployment, Declared: gitindex.NewManifest(toJSON(t, git)), Old: toJSON(t, test.old), New: toJSON(t, test.new), Ignored: []fields.Ignore{pattern}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range change.Differences {
				got = append(got, describe(d))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if change.Any != test.any || change.Ignored != test.counted {
				t.Errorf("Change.Any is %t, Change.Ignored is %t", change.Any, change.Ignored)
			}
		})
	}
}

func TestPathsThatNameNoField(t *testing.T) {
	for path, want := range map[string]string{
		"":                     `"" is no field path: write it as spec.replicas or spec.template.spec.containers[name=web].image`,
		".spec.replicas":       `".spec.replicas" is no field path: write it as spec.replicas or spec.template.spec.containers[name=web].image`,
		"spec..replicas":       `"spec..replicas" is no field path: write it as spec.replicas or spec.template.spec.containers[name=web].image`,
		"spec.containers[":     `"spec.containers[" is no field path: [ is no selector such as [name=web] or [*]`,
		"spec.containers[]":    `"spec.containers[]" is no field path: [] is no selector such as [name=web] or [*]`,
		"spec.containers[name": `"spec.containers[name" is no field path: [name is no selector such as [name=web] or [*]`,
	} {
		if _, err := fields.ParsePattern(path); err == nil || err.Error() != want {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestRequestsToLookAtGitChangeNothing(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	kustomization := kschema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}
	for kind, annotation := range map[kschema.GroupVersionKind]string{
		{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"}:    "argocd.argoproj.io/refresh",
		{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationSet"}: "argocd.argoproj.io/application-set-refresh",
		kustomization: "reconcile.fluxcd.io/requestedAt",
	} {
		change, err := types.Compare(fields.Update{Type: kind, Declared: gitindex.NewManifest([]byte(`{}`)), Old: []byte(`{"metadata":{"name":"a"}}`),
			New: []byte(`{"metadata":{"name":"a","annotations":{"` + annotation + `":"now"}}}`)})
		if err != nil || change.Any {
			t.Errorf("%s of a %s is a change: %+v %v", annotation, kind.Kind, change, err)
		}
	}
}
