package gitindex_test

import (
	"testing"
	"testing/synctest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// ready checks what the refresher says of itself.
func (w *world) ready(want bool) {
	w.t.Helper()
	if got := w.refresher.Ready(); got != want {
		w.t.Errorf("ready is %v", got)
	}
}

func (w *world) incomplete(want ...string) {
	w.t.Helper()
	got := w.refresher.Latest().Incomplete()
	if len(got) != len(want) {
		w.t.Fatalf("incomplete: %q, not %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			w.t.Errorf("incomplete: %q, not %q", got, want)
		}
	}
}

func TestTheFirstSnapshotIsNotHalfOfOne(t *testing.T) {
	scenario(t, "it waits for every source", func(w *world) {
		release := w.renderer.hold(w.t, "db")
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("slow", "s1", files{"db/db.txt": "Deployment db"})
		w.run(source("infra", "apps"), source("slow", "db"))
		w.declares(noSnapshot)
		w.ready(false)
		w.incomplete("slow")
		w.reports("infra", "main@c1, 0s ago")
		release()
		synctest.Wait()
		w.declares("Deployment db at main@s1", "Deployment web at main@c1")
		w.ready(true)
		w.incomplete()
	})

	scenario(t, "it waits so long and no longer", func(w *world) {
		w.options.StartTimeout = 20 * time.Second
		w.git.hangs("slow", true)
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"), source("slow", "apps"))
		w.pass(19 * time.Second)
		w.declares(noSnapshot)
		w.pass(time.Second)
		w.declares("Deployment web at main@c1")
		w.ready(true)
		w.incomplete("slow")
	})

	scenario(t, "a source that failed is not waited for", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.fails("wrong", errDown)
		w.run(source("infra", "apps"), source("wrong", "apps"))
		w.declares("Deployment web at main@c1")
		w.ready(true)
		w.incomplete("wrong")
		w.reports("wrong", "never", "asking for main: connection refused")
	})

	scenario(t, "nothing is published before the sources are set", func(w *world) {
		w.prepare()
		w.resume()
		w.pass(time.Hour)
		w.declares(noSnapshot)
		w.ready(false)
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.set(source("infra", "apps"))
		w.declares("Deployment web at main@c1")
		w.ready(true)
	})

	scenario(t, "sources may come and go before it runs", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.prepare()
		w.refresher.SetSources([]gitindex.Source{source("infra", "apps"), source("gone", "apps")})
		w.refresher.SetSources([]gitindex.Source{source("infra", "db")})
		w.resume()
		synctest.Wait()
		w.declares("Deployment db at main@c1")
	})
}

func TestThereIsNoSnapshotOfNothingKnown(t *testing.T) {
	scenario(t, "without sources nothing is declared, and that is known", func(w *world) {
		w.run()
		w.declares()
		w.ready(true)
		if w.index.Current() == nil {
			w.t.Error("there is no snapshot")
		}
	})

	scenario(t, "sources that never loaded are visible in the latest snapshot only", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(source("infra", "apps"))
		w.declares(noSnapshot)
		w.ready(true)
		w.incomplete("infra")
		w.reports("infra", "never", "asking for main: connection refused")
	})

	scenario(t, "the same holds for a set of sources that comes later", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run()
		w.git.fails("infra", errDown)
		w.set(source("infra", "apps"))
		w.declares(noSnapshot)
		w.ready(true)
		w.git.fails("infra", nil)
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
	})

	scenario(t, "a source without locations is known once it was fetched", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(source("infra"))
		w.declares(noSnapshot)
		w.git.fails("infra", nil)
		w.git.push("infra", "c1", files{"README": "empty"})
		w.pass(time.Minute)
		w.declares()
	})
}
