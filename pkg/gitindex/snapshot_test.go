package gitindex_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var atC1 = gitindex.Revision{Commit: "c1", Name: "main"}

// declaring returns a source that declares objects in one location.
func declaring(name string, objects ...gitindex.Declared) gitindex.SourceState {
	location := gitindex.Location{Path: "apps"}
	for i := range objects {
		objects[i].Origin.Source = name
		objects[i].Origin.Path = "apps"
	}
	return gitindex.SourceState{
		Source:    gitindex.Source{Name: name, Locations: []gitindex.Location{location}},
		Revision:  atC1,
		Locations: []gitindex.LocationState{{Location: location, Revision: atC1, Objects: objects}},
	}
}

func object(kind, namespace, name, file string) gitindex.Declared {
	return gitindex.Declared{
		Key:    gitindex.Key{Group: "apps", Kind: kind, Namespace: namespace, Name: name},
		Origin: gitindex.Origin{File: file},
	}
}

func snapshotOf(states ...gitindex.SourceState) *gitindex.Snapshot {
	return gitindex.NewSnapshot(states)
}

func TestLookup(t *testing.T) {
	widget := object("Widget", "staging", "w", "w.yaml")
	widget.ScopeUnknown = true
	elsewhere := object("Widget", "prod", "w", "prod.yaml")
	elsewhere.ScopeUnknown = true
	homeless := object("Gadget", "", "g", "g.yaml")
	homeless.ScopeUnknown = true
	s := snapshotOf(declaring("infra", object("Deployment", "staging", "web", "web.yaml"), widget, elsewhere, homeless))

	for _, c := range []struct {
		name string
		key  gitindex.Key
		want string // file
	}{
		{"an object is found by its key", gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"}, "web.yaml"},
		{"not in another namespace", gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "prod", Name: "web"}, ""},
		{"not without namespace", gitindex.Key{Group: "apps", Kind: "Deployment", Name: "web"}, ""},
		{"not in another group", gitindex.Key{Group: "extensions", Kind: "Deployment", Namespace: "staging", Name: "web"}, ""},
		{"of unknown scope, in the default namespace", gitindex.Key{Group: "apps", Kind: "Widget", Namespace: "staging", Name: "w"}, "w.yaml"},
		{"of unknown scope, in each default namespace", gitindex.Key{Group: "apps", Kind: "Widget", Namespace: "prod", Name: "w"}, "prod.yaml"},
		{"of unknown scope, for the cluster: the first", gitindex.Key{Group: "apps", Kind: "Widget", Name: "w"}, "w.yaml"},
		{"of unknown scope, not in other namespaces", gitindex.Key{Group: "apps", Kind: "Widget", Namespace: "other", Name: "w"}, ""},
		{"of unknown scope, with no default namespace", gitindex.Key{Group: "apps", Kind: "Gadget", Name: "g"}, "g.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if d := s.Lookup(c.key); d != nil {
				got = d.Origin.File
			}
			if got != c.want {
				t.Errorf("found %q, not %q", got, c.want)
			}
		})
	}
}

func TestANamespaceKnowsHowManyObjectsItHolds(t *testing.T) {
	s := snapshotOf(
		declaring("infra", object("Deployment", "staging", "web", "a"), object("Service", "staging", "web", "b"), object("ClusterRole", "", "r", "c")),
		declaring("other", object("Deployment", "staging", "web", "again"), object("Deployment", "prod", "web", "d")),
	)
	for namespace, want := range map[string]int{"staging": 2, "prod": 1, "other": 0, "": 0} {
		if got := s.InNamespace(namespace); got != want {
			t.Errorf("%d objects in %q, not %d", got, namespace, want)
		}
	}
	if s.Len() != 4 {
		t.Errorf("%d objects in all", s.Len())
	}
}

func TestAConflictWithinASourceNamesThePaths(t *testing.T) {
	at := func(path, file string) gitindex.Origin {
		return gitindex.Origin{Source: "infra", Path: path, File: file}
	}
	key := gitindex.Key{Kind: "ConfigMap", Namespace: "a", Name: "b"}
	for want, c := range map[string]gitindex.Conflict{
		"ConfigMap a/b is declared twice: path . of source infra contains path cluster-config: remove one of the paths": {Used: at(".", "cluster-config/b.yaml"), Other: at("cluster-config", "cluster-config/b.yaml")},
		"ConfigMap a/b is declared twice: path apps of source infra contains path apps/web: remove one of the paths":    {Used: at("apps/web", "apps/web/b.yaml"), Other: at("apps", "apps/web/b.yaml")},
		"ConfigMap a/b is declared twice: paths apps and apps-2 of source infra both bring it from base/b.yaml; the first is used: remove it from one of them": {
			Used: at("apps", "base/b.yaml"), Other: at("apps-2", "base/b.yaml")},
		"ConfigMap a/b is declared twice: by source infra (apps/b.yaml) and by source infra (apps/c.yaml); the first is used: remove one of them": {
			Used: at("apps", "apps/b.yaml"), Other: at("apps", "apps/c.yaml")},
	} {
		c.Key = key
		if got := c.Error(); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func TestWhatTwoPlacesDeclareIsAConflict(t *testing.T) {
	s := snapshotOf(
		declaring("zeta", object("Deployment", "staging", "web", "zeta/web.yaml"), object("Deployment", "staging", "web", "")),
		declaring("alpha", object("Deployment", "staging", "web", "alpha/web.yaml")),
	)
	var got []string
	for _, c := range s.Conflicts() {
		got = append(got, c.Error())
	}
	want := []string{
		"Deployment staging/web is declared twice: by source alpha (alpha/web.yaml) and by source zeta (zeta/web.yaml); the first is used: remove one of them",
		"Deployment staging/web is declared twice: by source alpha (alpha/web.yaml) and by source zeta (apps); the first is used: remove one of them",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	if file := s.All()[0].Origin.File; file != "alpha/web.yaml" {
		t.Errorf("%s is used", file)
	}
}

func TestObjectsAndSourcesAreInOrder(t *testing.T) {
	s := snapshotOf(
		declaring("b", object("Service", "b", "x", ""), object("Deployment", "b", "y", ""), object("Deployment", "b", "x", "")),
		declaring("a", object("Deployment", "a", "z", ""), object("ClusterRole", "", "r", "")),
	)
	want := []string{
		"ClusterRole r at ", "Deployment a/z at ", "Deployment b/x at ", "Deployment b/y at ", "Service b/x at ",
	}
	if diff := cmp.Diff(want, describe(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sources := s.Sources(); sources[0].Source.Name != "a" || sources[1].Source.Name != "b" {
		t.Errorf("sources: %+v", sources)
	}
	if s.Source("b").Source.Name != "b" || s.Source("c") != nil {
		t.Error("sources are not found by name")
	}
}

func TestWhatWasNeverLoadedIsNamed(t *testing.T) {
	half := declaring("half", object("Deployment", "staging", "web", ""))
	half.Locations = append(half.Locations, gitindex.LocationState{Location: gitindex.Location{Path: "db"}})
	never := gitindex.SourceState{
		Source:    gitindex.Source{Name: "never"},
		Locations: []gitindex.LocationState{{Location: gitindex.Location{Path: "a"}}, {Location: gitindex.Location{Path: "b"}}},
	}
	empty := gitindex.SourceState{Source: gitindex.Source{Name: "empty"}, Revision: atC1}
	s := snapshotOf(declaring("whole"), half, never, empty)
	if diff := cmp.Diff([]string{"half: db", "never"}, s.Incomplete()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := snapshotOf(declaring("whole")).Incomplete(); got != nil {
		t.Errorf("a whole snapshot lacks %q", got)
	}
}

func TestANilSnapshotDeclaresNothing(t *testing.T) {
	var s *gitindex.Snapshot
	if s.Lookup(gitindex.Key{}) != nil || s.Len() != 0 || s.InNamespace("a") != 0 || s.All() != nil ||
		s.Sources() != nil || s.Source("a") != nil || s.Conflicts() != nil || s.Incomplete() != nil {
		t.Error("it does")
	}
}

func TestAnIndexHasNothingAtFirst(t *testing.T) {
	var index gitindex.Index
	if index.Current() != nil {
		t.Error("it has a snapshot")
	}
	s := snapshotOf()
	index.Publish(s)
	if index.Current() != s {
		t.Error("it has another snapshot")
	}
}

func BenchmarkNewSnapshot(b *testing.B) {
	var objects []gitindex.Declared
	for i := range 10_000 {
		objects = append(objects, object("Deployment", "staging", strconv.Itoa(i), "web.yaml"))
	}
	state := declaring("infra", objects...)
	b.ReportAllocs()
	for b.Loop() {
		gitindex.NewSnapshot([]gitindex.SourceState{state})
	}
}
