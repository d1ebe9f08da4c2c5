package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
	"gitonly.dev/gitonly/pkg/policy"
)

// found is a source of GitSource flux with one location.
func foundSource(name string, format gitindex.Format, records ...gitindex.Recorded) gitindex.Source {
	location := gitindex.Location{Path: "apps", Render: format}
	if format == gitindex.Unrendered {
		location.Build.Why = "its source is a Bucket"
	}
	return gitindex.Source{Name: name, Of: "flux", Locations: []gitindex.Location{location}, Recorded: records}
}

func TestTheStatusOfAnAgentsSources(t *testing.T) {
	record := gitindex.Recorded{Key: gitindex.Key{Kind: "ConfigMap", Namespace: "a", Name: "b"}, APIVersion: "v1"}
	revision := gitindex.Revision{Name: "main", Commit: "4f2c1ab93d0e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"}
	checked := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	state := func(source gitindex.Source, objects int, err error) gitindex.SourceState {
		s := gitindex.SourceState{Source: source, Revision: revision, CheckedAt: checked, Err: err}
		l := gitindex.LocationState{Location: source.Locations[0]}
		if objects > 0 {
			l.Revision = revision
		}
		for i := range objects {
			l.Objects = append(l.Objects, gitindex.Declared{Key: gitindex.Key{Kind: "Secret", Name: string(rune('a' + i))}, Manifest: gitindex.NewManifest([]byte("{}"))})
		}
		s.Locations = []gitindex.LocationState{l}
		return s
	}
	good := state(foundSource("Kustomization flux-system/apps", gitindex.Kustomize, record), 3, nil)
	stale := state(foundSource("Kustomization flux-system/stale", gitindex.Kustomize), 2, errors.New("asking for main: timed out"))
	broken := state(foundSource("Kustomization flux-system/broken", gitindex.Kustomize, record), 0, errors.New("asking for main: not found"))
	bucket := state(foundSource("Kustomization flux-system/bucket", gitindex.Unrendered, record, record), 0, nil)
	sealed := state(foundSource("Kustomization flux-system/sealed", gitindex.Kustomize), 2, nil)
	sealed.Locations[0].Objects[1].Undecrypted = "apps/token.yaml: none of the keys at hand decrypts it"
	other := state(gitindex.Source{Name: "infra", Locations: []gitindex.Location{{Path: "."}}}, 7, nil)
	unlooked := gitindex.SourceState{Source: foundSource("Kustomization flux-system/new", gitindex.Kustomize)}

	for name, test := range map[string]struct {
		states           []gitindex.SourceState
		found            *discover.Found
		err              error
		reason, message  string
		total, rendered  int32
		recorded, number int32
		troubled         []string
	}{
		"before the first look": {reason: "Pending", message: "Not all sources have been looked at yet."},
		"nothing to be found":   {found: &discover.Found{}, reason: "Rendered", message: "Nothing is declared yet: no Kustomization or HelmRelease applies anything to this cluster."},
		"what is found and not yet looked at": {states: []gitindex.SourceState{good, unlooked}, found: &discover.Found{},
			reason: "Pending", message: "Not all sources have been looked at yet.", total: 2, rendered: 1, number: 3},
		"what is found and not yet taken up": {states: []gitindex.SourceState{good}, found: &discover.Found{Sources: []gitindex.Source{good.Source, unlooked.Source}},
			reason: "Pending", message: "Not all sources have been looked at yet.", total: 1, rendered: 1, number: 3},
		"another GitSource's sources don't count": {states: []gitindex.SourceState{good, other}, found: &discover.Found{},
			reason: "Rendered", message: "3 objects of 1 source.", total: 1, rendered: 1, number: 3},
		"what only the agent can render is no fault": {states: []gitindex.SourceState{good, bucket}, found: &discover.Found{},
			reason: "Rendered", message: "5 objects of 2 sources.", total: 2, rendered: 1, recorded: 1, number: 5,
			troubled: []string{"Kustomization flux-system/bucket: known by the agent's record alone: its source is a Bucket"}},
		"what can't be decrypted is no fault": {states: []gitindex.SourceState{good, sealed}, found: &discover.Found{},
			reason: "Rendered", message: "5 objects of 2 sources.", total: 2, rendered: 2, number: 5,
			troubled: []string{"Kustomization flux-system/sealed: what is encrypted in 1 of its objects is the agent's alone to change: apps/token.yaml: none of the keys at hand decrypts it"}},
		"faults": {states: []gitindex.SourceState{good, stale, broken}, found: &discover.Found{},
			reason: "RenderFailed", message: "2 of 3 sources are not as Git has them. The first: Kustomization flux-system/broken: known by the agent's record alone: asking for main: not found",
			total: 3, rendered: 1, recorded: 1, number: 6,
			troubled: []string{"Kustomization flux-system/broken: known by the agent's record alone: asking for main: not found", "Kustomization flux-system/stale: asking for main: timed out"}},
		"objects that no source could be made of": {states: []gitindex.SourceState{good},
			found:  &discover.Found{Problems: []discover.Problem{{Object: "Kustomization flux-system/odd", Err: errors.New("it has no sourceRef")}}},
			reason: "DiscoveryFailed", message: "No source could be made of 1 object. The first: Kustomization flux-system/odd: it has no sourceRef",
			total: 1, rendered: 1, number: 3, troubled: []string{"Kustomization flux-system/odd: it has no sourceRef"}},
		"the agent is not there": {found: &discover.Found{}, err: &absence{says: "Flux is not in this cluster yet: it serves none of Flux's kinds"},
			reason: "NotInstalled", message: "Flux is not in this cluster yet: it serves none of Flux's kinds"},
		"nothing could be found out": {err: errors.New("reading objects of kind Kustomization: forbidden"),
			reason: "DiscoveryFailed", message: "reading objects of kind Kustomization: forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			item := &v1alpha1.GitSource{Spec: v1alpha1.GitSourceSpec{Flux: &v1alpha1.Flux{Namespace: "flux-system"}}}
			item.Name = "flux"
			setAgentStatus(item, test.found, test.err, gitindex.NewSnapshot(append([]gitindex.SourceState{}, test.states...)))
			ready := meta.FindStatusCondition(item.Status.Conditions, v1alpha1.ConditionReady)
			if ready.Reason != test.reason || ready.Message != test.message {
				t.Errorf("%s: %s", ready.Reason, ready.Message)
			}
			got := item.Status.Sources
			if got.Total != test.total || got.Rendered != test.rendered || got.Recorded != test.recorded || item.Status.Objects != test.number {
				t.Errorf("%d sources, %d rendered, %d recorded, %d objects", got.Total, got.Rendered, got.Recorded, item.Status.Objects)
			}
			var troubled []string
			for _, one := range got.Troubled {
				troubled = append(troubled, one.Name+": "+one.Message)
			}
			if diff := cmp.Diff(test.troubled, troubled); diff != "" {
				t.Errorf("troubled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnIdentityThatSeveralGitSourcesFindSyncsAllOfTheirs(t *testing.T) {
	agents := policy.Agents{}
	addAgents(agents, []discover.Identity{
		{Namespace: "argocd", Name: "controller", Sources: []string{"Application argocd/b"}},
		{Namespace: "team", Name: "deployer", Sources: []string{"Application argocd/c"}, Impersonated: true},
	})
	addAgents(agents, []discover.Identity{
		{Namespace: "argocd", Name: "controller", Sources: []string{"Application argocd/a", "Application argocd/b"}, Impersonated: true},
		{Namespace: "team", Name: "deployer", Sources: []string{"Application argocd/d"}, Impersonated: true},
	})
	want := policy.Agents{
		"system:serviceaccount:argocd:controller": {Sources: []string{"Application argocd/a", "Application argocd/b"}},
		"system:serviceaccount:team:deployer":     {Sources: []string{"Application argocd/c", "Application argocd/d"}, Impersonated: true},
	}
	if diff := cmp.Diff(want, agents); diff != "" {
		t.Errorf("agents (-want +got):\n%s", diff)
	}
}
