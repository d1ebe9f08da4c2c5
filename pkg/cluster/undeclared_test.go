package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// told are Events.
type told []string

func (t *told) Eventf(regarding, _ runtime.Object, eventtype, reason, action, note string, args ...any) {
	of := regarding.(*corev1.ObjectReference)
	*t = append(*t, fmt.Sprintf("%s %s %s of %s %s %q: ", eventtype, reason, action, of.Kind, of.Name, of.UID)+fmt.Sprintf(note, args...))
}

// snapshotOf is a snapshot of sources, by path the names of what they declare.
// Those whose name has two words are Flux's.
func snapshotOf(sources map[string]map[string]string) *gitindex.Snapshot {
	var states []gitindex.SourceState
	for name, paths := range sources {
		state := gitindex.SourceState{Source: gitindex.Source{Name: name}, Revision: gitindex.Revision{Name: "main", Commit: "4f2c1ab0"}}
		if strings.Contains(name, " ") {
			state.Source.Of = "flux"
		}
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			location := gitindex.LocationState{Location: gitindex.Location{Path: path}}
			for object := range strings.FieldsSeq(paths[path]) {
				location.Objects = append(location.Objects, gitindex.Declared{Key: gitindex.Key{Kind: "ConfigMap", Namespace: "shop", Name: object}})
			}
			state.Locations = append(state.Locations, location)
		}
		states = append(states, state)
	}
	return gitindex.NewSnapshot(states)
}

func TestWhatIsDeclaredNoMoreIsToldAtTheGitSource(t *testing.T) {
	const infra, flux = `Warning Undeclared Unguard of GitSource infra "1": `, `Warning Undeclared Unguard of GitSource flux "2": `
	type git = map[string]map[string]string
	for _, test := range []struct {
		name        string
		last, next  git
		doesNotLead bool
		want        told
	}{
		{name: "the first look", next: git{"infra": {"apps": "a"}}},
		{name: "some of it remains", last: git{"infra": {"apps": "a b"}}, next: git{"infra": {"apps": "a"}}},
		{name: "a path declares nothing", last: git{"infra": {"apps": "a b", "db": "c"}}, next: git{"infra": {"apps": "", "db": "c"}},
			want: told{infra + "Path apps of infra declares nothing at main@4f2c1ab: 2 objects are guarded no more."}},
		{name: "a path never did", last: git{"infra": {"apps": ""}}, next: git{"infra": {"apps": ""}}},
		{name: "a path is gone", last: git{"infra": {"apps": "a", "db": "c"}}, next: git{"infra": {"db": "c"}},
			want: told{infra + "Path apps of infra is gone: 1 object is guarded no more."}},
		{name: "what it declared has moved", last: git{"infra": {"apps": "a b"}}, next: git{"infra": {"apps": "", "moved": "a b"}}},
		{name: "a GitSource is gone", last: git{"deleted": {"apps": "a", "db": "b"}}, next: git{},
			want: told{`Warning Undeclared Unguard of GitSource deleted "": deleted is gone: 2 objects are guarded no more.`}},
		{name: "an agent's sources are gone", last: git{"Kustomization a": {"a": "a"}, "Kustomization b": {"b": "b"}, "Kustomization c": {"c": "c"}, "Kustomization d": {"d": "d"}, "Kustomization e": {"e": ""}}, next: git{},
			want: told{flux + "Kustomization a, Kustomization b, Kustomization c, 1 more are gone: 4 objects are guarded no more."}},
		{name: "a path of an agent's source declares nothing", last: git{"Kustomization a": {"a": "a"}}, next: git{"Kustomization a": {"a": ""}},
			want: told{flux + "Path a of Kustomization a declares nothing at main@4f2c1ab: 1 object is guarded no more."}},
		{name: "another replica tells", last: git{"infra": {"apps": "a"}}, next: git{}, doesNotLead: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := v1alpha1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
				&v1alpha1.GitSource{ObjectMeta: metav1.ObjectMeta{Name: "infra", UID: "1"}},
				&v1alpha1.GitSource{ObjectMeta: metav1.ObjectMeta{Name: "flux", UID: "2"}},
			).Build()
			var got told
			u := NewUndeclared(&got, reader, func() bool { return !test.doesNotLead })
			if test.last != nil {
				u.Follow(snapshotOf(test.last))
			}
			u.Follow(snapshotOf(test.next))
			u.Follow(snapshotOf(test.next))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
