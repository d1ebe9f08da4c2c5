package gitindex_test

import (
	"testing"
	"testing/synctest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestSourcesCanChangeWhileRunning(t *testing.T) {
	scenario(t, "an added source is looked at at once, the others are left alone", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o1", files{"apps/other.txt": "Deployment other"})
		w.run(source("infra", "apps"))
		w.set(source("infra", "apps"), source("other", "apps"))
		w.declares("Deployment other at main@o1", "Deployment web at main@c1")
		if looks := w.git.count(w.git.looks, "infra"); looks != 1 {
			w.t.Errorf("%d looks at the other source", looks)
		}
	})

	scenario(t, "a removed source leaves the snapshot, and is not looked at again", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o1", files{"apps/other.txt": "Deployment other"})
		w.run(source("infra", "apps"), source("other", "apps"))
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
		if n := w.logged(`"source is gone: what it declared is undeclared from now on" "source"="other" "objects"=1`); n != 1 {
			w.t.Errorf("the log says %d times that the source is gone", n)
		}
		w.pass(time.Hour)
		if looks := w.git.count(w.git.looks, "other"); looks != 1 {
			w.t.Errorf("%d looks at the removed source", looks)
		}
	})

	scenario(t, "an added location is rendered, with the revision as it was", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps"))
		w.set(source("infra", "apps", "db"))
		w.declares("Deployment db at main@c1", "Deployment web at main@c1")
		if renders := w.renderer.count("apps"); renders != 1 {
			w.t.Errorf("%d renderings of the other location", renders)
		}
	})

	scenario(t, "a removed location goes away, though Git is out of reach", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		w.git.fails("infra", errDown)
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
	})

	scenario(t, "a new ref is looked at, and the objects stay until it is there", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.fails("infra", errDown)
		released := source("infra", "apps")
		released.Repository.Ref = gitindex.Ref{Tag: "v1"}
		w.set(released)
		w.declares("Deployment web at main@c1")
		w.git.fails("infra", nil)
		w.pass(time.Minute)
		w.declares("Deployment web at v1@c1")
	})

	scenario(t, "a new URL is on objects that stay the same too", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("moved", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		moved := source("infra", "apps")
		moved.Repository.URL = "https://git.example.com/moved.git"
		w.set(moved)
		if url := w.index.Current().All()[0].Origin.URL; url != moved.Repository.URL {
			w.t.Errorf("the origin's URL is %s", url)
		}
	})

	scenario(t, "another namespace is another location", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		infra := source("infra", "apps")
		infra.Locations[0].Namespace = "staging"
		w.run(infra)
		w.git.fails("infra", errDown)
		infra.Locations = []gitindex.Location{{Path: "apps", Namespace: "prod", Render: gitindex.Plain}}
		w.set(infra, source("away", "apps"))
		w.declares(noSnapshot)
		w.git.fails("infra", nil)
		w.pass(time.Minute)
		w.declares("Deployment prod/web at main@c1")
	})

	scenario(t, "another format is rendered again, and the objects stay until then", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		infra := source("infra", "apps")
		w.run(infra)
		release := w.renderer.hold(w.t, "apps")
		infra.Locations = []gitindex.Location{{Path: "apps", Render: gitindex.Kustomize}}
		w.set(infra)
		w.declares("Deployment web at main@c1")
		release()
		synctest.Wait()
		if renders := w.renderer.count("apps"); renders != 2 {
			w.t.Errorf("%d renderings", renders)
		}
	})

	scenario(t, "another interval counts from now on", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		infra := source("infra", "apps")
		infra.Interval = time.Hour
		w.run(infra)
		infra.Interval = 10 * time.Second
		w.set(infra)
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web"})
		w.pass(10 * time.Second)
		w.declares("Deployment web at main@c2")
	})

	scenario(t, "an interval of nothing is a minute", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		infra := source("infra", "apps")
		infra.Interval = 0
		w.run(infra)
		w.pass(10 * time.Minute)
		if looks := w.git.count(w.git.looks, "infra"); looks > 13 {
			w.t.Errorf("%d looks", looks)
		}
	})

	scenario(t, "of two sources with one name the first counts", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps"), source("infra", "db"))
		w.declares("Deployment web at main@c1")
		if w.logged("same name") != 1 {
			w.t.Errorf("the log has %q", w.log)
		}
	})

	scenario(t, "the caller may reuse what it passed", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		infra := source("infra", "apps")
		w.prepare()
		w.refresher.SetSources([]gitindex.Source{infra})
		infra.Locations[0].Path = "db"
		w.resume()
		synctest.Wait()
		w.set(source("infra", "apps"))
		if looks := w.git.count(w.git.looks, "infra"); looks != 1 {
			w.t.Errorf("%d looks, as if the source had changed", looks)
		}
	})

	scenario(t, "a removed source may come back", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.set()
		w.declares()
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
	})
}

func TestSourcesCanChangeWhileTheyAreLookedAt(t *testing.T) {
	scenario(t, "a fetch from a repository that is no longer meant is ended", func(w *world) {
		w.git.hangs("infra", true)
		w.git.push("moved", "m1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		moved := source("infra", "apps")
		moved.Repository.URL = "https://git.example.com/moved.git"
		w.set(moved)
		w.declares("Deployment web at main@m1")
		if time.Since(w.git.looked("infra")) != 0 {
			w.t.Error("it took time")
		}
		if n := w.logged("not refreshed"); n != 0 {
			w.t.Errorf("its end is an error: %q", w.log)
		}
	})

	scenario(t, "what is rendered of it all the same is not published", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		release := w.renderer.hold(w.t, "apps")
		w.run(source("infra", "apps"))
		moved := source("infra", "apps")
		moved.Repository.URL = "https://git.example.com/moved.git"
		w.git.hangs("moved", true)
		w.set(moved)
		release()
		w.pass(time.Minute)
		w.declares(noSnapshot)
	})

	scenario(t, "a look that is still of use goes on when locations change", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db", "old/old.txt": "Deployment old"})
		release := w.renderer.hold(w.t, "apps")
		w.run(source("infra", "apps", "old"))
		w.set(source("infra", "apps", "db"))
		release()
		synctest.Wait()
		w.declares("Deployment db at main@c1", "Deployment web at main@c1")
		if renders := w.renderer.count("apps"); renders != 1 {
			w.t.Errorf("%d renderings", renders)
		}
	})

	scenario(t, "what a removed source renders is not published", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o1", files{"db/other.txt": "Deployment other"})
		release := w.renderer.hold(w.t, "db")
		w.run(source("infra", "apps"), source("other", "db"))
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
		release()
		w.pass(time.Minute)
		if got := describe(w.index.Current()); len(got) != 1 {
			w.t.Errorf("declared: %q", got)
		}
	})

	scenario(t, "a source that comes back meanwhile is looked at anew", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.hangs("infra", true)
		w.run(source("infra", "apps"))
		w.refresher.SetSources(nil)
		w.git.hangs("infra", false)
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 0s ago")
	})
}
