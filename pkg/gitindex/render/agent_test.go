package render_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// renamed is an override that changes the namespace.
type renamed struct{ err error }

func (renamed) Files() []string { return []string{"a.txt", "b.txt"} }

func (r renamed) Apply(content map[string][]byte) (gitindex.Location, error) {
	return gitindex.Location{Path: "apps", Render: gitindex.Plain, Namespace: string(content["a.txt"]) + string(content["b.txt"])}, r.err
}

func TestWhatAnAgentAppliesOfALocation(t *testing.T) {
	const marked = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"track":"guestbook:apps/Deployment:staging/web"},"name":"web","namespace":"staging"},"spec":{"template":{"spec":{"containers":[{"image":"nginx:1","name":"web"}]}}}}`
	marks := gitindex.Marks{TrackingAnnotation: "track", TrackingApplication: "guestbook"}
	hook := func(hooks string) string {
		return "-- apps/job.yaml --\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: test\n  namespace: staging\n  annotations: {helm.sh/hook: \"" + hooks + "\"}\n"
	}
	skipped := []gitindex.Annotated{{Annotation: "helm.sh/hook", Values: []string{"test", "post-rollback"}}}
	const definition = "-- apps/crd.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: backups.example.com}\n"
	const plainDefinition = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"backups.example.com"}}`
	for name, test := range map[string]struct {
		files string
		build gitindex.Build
		want  []string
	}{
		"Argo CD's tracking id": {
			"-- apps/web.yaml --\n" + deployment, gitindex.Build{Marks: marks}, []string{marked}},
		"which definitions of kinds may be without": {
			definition, gitindex.Build{Marks: gitindex.Marks{TrackingAnnotation: "track", TrackingApplication: "guestbook", SkipDefinitions: true}}, []string{plainDefinition}},
		"hooks that are never run are left out": {
			hook("test, post-rollback"), gitindex.Build{Unapplied: skipped}, nil},
		"and not those that are run at another time as well": {
			hook("test,pre-install"), gitindex.Build{Unapplied: skipped},
			[]string{`{"apiVersion":"batch/v1","kind":"Job","metadata":{"annotations":{"helm.sh/hook":"test,pre-install"},"name":"test","namespace":"staging"}}`}},
		"what the agent adds has no marks": {
			"-- apps/web.yaml --\n" + deployment, gitindex.Build{Marks: marks, Added: []string{`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"staging"}}`}},
			[]string{marked, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"staging"}}`}},
		"and gives way to what is rendered": {
			"-- apps/ns.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: staging, labels: {a: b}}\n",
			gitindex.Build{Added: []string{`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"staging"}}`}},
			[]string{`{"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"a":"b"},"name":"staging"}}`}},
		"a file changes the location": {
			"-- apps/ns.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n-- apps/b.txt --\nother\n-- apps/a.txt --\nan\n", gitindex.Build{Override: renamed{}},
			[]string{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"an\nother\n"}}`}},
		"and one that isn't there doesn't": {
			"-- apps/ns.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", gitindex.Build{Override: renamed{}},
			[]string{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"staging"}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := renderTree(tree(test.files), gitindex.Location{Path: "apps", Namespace: "staging", Render: gitindex.Plain, Build: test.build})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range declared {
				got = append(got, string(d.Manifest.JSON()))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("declared (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnOverrideThatCantBeUsedIsAFault(t *testing.T) {
	got := mustFail(t, tree("-- apps/a.txt --\nx"), gitindex.Location{Path: "apps", Build: gitindex.Build{Override: renamed{errors.New("a.txt: it is no YAML map")}}})
	if want := "apps: a.txt: it is no YAML map"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
