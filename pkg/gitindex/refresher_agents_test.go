package gitindex_test

import (
	"slices"
	"testing"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestARenderingMayReadOtherRepositories(t *testing.T) {
	withValues := func() gitindex.Source {
		s := source("infra", "apps")
		s.References = map[string]gitindex.Repository{"$values": source("values").Repository}
		return s
	}

	scenario(t, "by the name of a folder in the root", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "include $values/web.txt"})
		w.git.push("values", "v1", files{"web.txt": "Deployment web"})
		w.run(withValues())
		w.declares("Deployment web at main@c1")
	})

	scenario(t, "whose new commits count, and are at the source's own revision", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "include $values/web.txt"})
		w.git.push("values", "v1", files{"web.txt": "Deployment web"})
		w.run(withValues())
		w.git.push("values", "v2", files{"web.txt": "Deployment api"})
		w.pass(time.Minute)
		w.declares("Deployment api at main@c1")
	})

	scenario(t, "and what isn't read of them is no reason to render", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "include $values/web.txt"})
		w.git.push("values", "v1", files{"web.txt": "Deployment web"})
		w.run(withValues())
		w.git.push("values", "v2", files{"web.txt": "Deployment web", "other.txt": "Deployment other"})
		w.pass(time.Minute)
		if renders := w.renderer.count("apps"); renders != 1 {
			w.t.Errorf("rendered %d times", renders)
		}
	})

	scenario(t, "and one that is out of reach leaves the last good objects", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "include $values/web.txt"})
		w.git.push("values", "v1", files{"web.txt": "Deployment web"})
		w.run(withValues())
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment other"})
		w.git.fails("values", errDown)
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 1m0s ago", "asking for main of $values: "+errDown.Error())
	})

	if got, want := withValues().Fetched(), []string{"infra", "infra $values"}; !slices.Equal(got, want) {
		t.Errorf("the fetcher knows it as %q, want %q", got, want)
	}
}

func TestTheAgentsRecordStandsInForWhatWasNeverRendered(t *testing.T) {
	web := gitindex.Recorded{Key: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"}, APIVersion: "apps/v1"}
	recorded := func(records ...gitindex.Recorded) gitindex.Source {
		s := source("infra", "apps")
		s.Recorded = records
		return s
	}

	scenario(t, "while the repository is out of reach", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(recorded(web))
		d := w.index.Current().Lookup(web.Key)
		if d == nil || !d.Recorded || d.APIVersion != "apps/v1" || d.Origin.Source != "infra" || d.Origin.Path != "apps" ||
			string(d.Manifest.JSON()) != `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"staging"}}` {
			w.t.Errorf("declared is %+v", d)
		}
		if missing := w.index.Current().Incomplete(); missing != nil {
			w.t.Errorf("missing is %q", missing)
		}
	})

	scenario(t, "and no longer", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(recorded(web))
		w.git.fails("infra", nil)
		w.git.push("infra", "c1", files{"apps/api.txt": "Deployment api"})
		w.pass(time.Minute)
		w.declares("Deployment api at main@c1")
	})

	scenario(t, "and an empty one says that nothing is declared", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(recorded())
		w.declares(noSnapshot) // nil is no record
		w.set(recorded([]gitindex.Recorded{}...))
		w.declares()
	})

	scenario(t, "and is followed without a look", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(recorded(web))
		api := web
		api.Key.Name = "api"
		looks := w.git.count(w.git.looks, "infra")
		w.set(recorded(web, api))
		w.declares("Deployment staging/api at ", "Deployment staging/web at ")
		if now := w.git.count(w.git.looks, "infra"); now != looks {
			w.t.Errorf("%d looks more", now-looks)
		}
	})

	scenario(t, "of what only the agent can render, for good, and nothing is fetched", func(w *world) {
		s := recorded(web)
		s.Locations[0].Render = gitindex.Unrendered
		s.Seen = "a1"
		w.run(s)
		w.declares("Deployment staging/web at a1")
		w.reports("infra", "a1, 0s ago")
		if looks := w.git.count(w.git.looks, "infra"); looks != 0 {
			w.t.Errorf("%d looks at the repository", looks)
		}
	})
}

func TestACommitThatTheAgentHasIsLookedFor(t *testing.T) {
	scenario(t, "before the interval is over", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.pass(10 * time.Second)
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment api"})
		seen := source("infra", "apps")
		seen.Seen = "c2"
		w.set(seen)
		w.declares("Deployment api at main@c2")
	})
	scenario(t, "but not if it is known", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.pass(10 * time.Second)
		seen := source("infra", "apps")
		seen.Seen = "c1"
		w.set(seen)
		if looks := w.git.count(w.git.looks, "infra"); looks != 1 {
			w.t.Errorf("%d looks", looks)
		}
	})
}

func TestASourceThatNobodyKnowsIsMissing(t *testing.T) {
	scenario(t, "beside others", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		unknown := gitindex.Source{Name: "flux", Interval: time.Minute, Problem: "Kustomizations can't be listed"}
		w.run(source("infra", "apps"), unknown)
		w.declares("Deployment web at main@c1")
		if missing := w.index.Current().Incomplete(); !slices.Equal(missing, []string{"flux"}) {
			w.t.Errorf("missing is %q", missing)
		}
		w.reports("flux", "never", "Kustomizations can't be listed")
	})
}
