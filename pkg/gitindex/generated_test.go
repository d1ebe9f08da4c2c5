package gitindex_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// secret is a declared Secret; of a generated one the name is a stand-in.
func secret(name, generated string) gitindex.Declared {
	return gitindex.Declared{
		Key: gitindex.Key{Kind: "Secret", Namespace: "apps", Name: name}, Generated: generated,
		Manifest: gitindex.NewManifest([]byte(`{"kind":"Secret","metadata":{"name":"` + name + `"}}`)),
	}
}

func TestAGeneratedObjectHasTheNameThatTheAgentRecorded(t *testing.T) {
	const standIn = "settings-69829m62b8"
	record := func(kind, namespace, name string) gitindex.Recorded {
		return gitindex.Recorded{Key: gitindex.Key{Kind: kind, Namespace: namespace, Name: name}, APIVersion: "v1"}
	}
	reference := func(to string) string { return `{"kind":"Deployment","secretName":"` + to + `"}` }
	named := func(name string) string { return `{"kind":"Secret","metadata":{"name":"` + name + `"}}` }
	for _, test := range []struct {
		name     string
		recorded []gitindex.Recorded
		want     []string
	}{
		{"one that is recorded", []gitindex.Recorded{record("Secret", "apps", "settings-hkmt2456ff"), record("Secret", "apps", "known-bcdfghkmt2")},
			[]string{reference("settings-hkmt2456ff"), named("known-bcdfghkmt2"), named("settings-hkmt2456ff")}},
		{"one that is not there yet", []gitindex.Recorded{}, []string{reference("settings-…"), named("known-bcdfghkmt2")}},
		{"two, while one replaces the other", []gitindex.Recorded{record("Secret", "apps", "settings-hkmt2456ff"), record("Secret", "apps", "settings-tttttttttt")},
			[]string{reference("settings-…"), named("known-bcdfghkmt2"), named("settings-hkmt2456ff"), named("settings-tttttttttt")}},
		{"others of similar names", []gitindex.Recorded{
			record("ConfigMap", "apps", "settings-hkmt2456ff"), record("Secret", "other", "settings-hkmt2456ff"),
			record("Secret", "apps", "settings-production"), record("Secret", "apps", "settings-b-hkmt2456"), record("Secret", "apps", "settings"),
		}, []string{reference("settings-…"), named("known-bcdfghkmt2")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			web := object("Deployment", "apps", "web", "web.yaml")
			web.Manifest = gitindex.NewManifest([]byte(reference(standIn)))
			state := declaring("infra", web, secret("known-bcdfghkmt2", ""), secret(standIn, "settings"))
			state.Source.Recorded = test.recorded
			snapshot := snapshotOf(state)
			var got []string
			for _, d := range snapshot.All() {
				got = append(got, string(d.Manifest.JSON()))
				if snapshot.Lookup(d.Key) != d {
					t.Errorf("%s is not found by its name", d.Key)
				}
			}
			want := map[string]bool{}
			for _, text := range test.want {
				want[text] = true
			}
			have := map[string]bool{}
			for _, text := range got {
				have[text] = true
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if snapshot.Lookup(gitindex.Key{Kind: "Secret", Namespace: "apps", Name: standIn}) != nil {
				t.Error("the stand-in is declared")
			}
		})
	}
}
