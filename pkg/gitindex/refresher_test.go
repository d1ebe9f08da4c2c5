package gitindex_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	clocktesting "k8s.io/utils/clock/testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestWhatGitDeclaresIsPublished(t *testing.T) {
	scenario(t, "objects carry the origin of their source", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Service web\nDeployment web"})
		infra := source("infra", "apps")
		infra.Repository.URL = "https://git.example.com/infra.git"
		w.run(infra)

		w.declares("Deployment web at main@c1", "Service web at main@c1")
		origin := w.index.Current().Lookup(gitindex.Key{Kind: "Deployment", Name: "web"}).Origin
		if origin.Source != "infra" || origin.URL != infra.Repository.URL || origin.Path != "apps" ||
			origin.File != "apps/web.txt" || origin.Line != 2 || len(origin.Fields) != 1 {
			w.t.Errorf("origin is %+v", origin)
		}
	})

	scenario(t, "credentials in a URL stay out of the origin", func(w *world) {
		for url, want := range map[string]string{
			"https://robot:s3cret@git.example.com/infra.git": "https://git.example.com/infra.git",
			"https://t0ken@git.example.com/infra.git":        "https://git.example.com/infra.git",
			"ssh://git:s3cret@git.example.com/infra.git":     "ssh://git@git.example.com/infra.git",
			"git@git.example.com:org/infra.git":              "git@git.example.com:org/infra.git",
		} {
			w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
			w.git.heads[url] = "c1"
			infra := source("infra", "apps")
			infra.Repository.URL = url
			w.restart(infra)
			if got := w.index.Current().All()[0].Origin.URL; got != want {
				w.t.Errorf("origin of %s is %s", url, got)
			}
		}
	})

	scenario(t, "a new commit replaces the objects at the next look", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "c2", files{"apps/db.txt": "Deployment db"})
		w.pass(time.Minute)
		w.declares("Deployment db at main@c2")
	})

	scenario(t, "a location that renders to nothing is believed, and the log says so", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		w.git.push("infra", "c2", files{"apps/web.txt": "", "db/db.txt": "Deployment db"})
		w.pass(2 * time.Minute)
		w.declares("Deployment db at main@c2")
		if n := w.logged(`"path renders to nothing: what it declared is undeclared from now on" "source"="infra" "path"="apps" "revision"="main@c2" "objects"=1`); n != 1 {
			w.t.Errorf("the log says it %d times", n)
		}
	})

	scenario(t, "a branch that was forced elsewhere, or back, is followed", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "f1", files{"apps/web.txt": "Deployment other"})
		w.pass(time.Minute)
		w.declares("Deployment other at main@f1")
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
	})

	scenario(t, "published snapshots stay as they were", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		before := w.index.Current()
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web", "README": "not rendered"})
		w.pass(time.Minute)
		w.declares("Deployment web at main@c2")
		if got := describe(before)[0]; got != "Deployment web at main@c1" {
			w.t.Errorf("the old snapshot now has %s", got)
		}
	})
}

func TestOnlyWhatChangedIsFetchedAndRendered(t *testing.T) {
	scenario(t, "while the revision stays, only the ref is asked for", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.pass(10 * time.Minute)
		if looks := w.git.count(w.git.looks, "infra"); looks < 11 || looks > 13 {
			w.t.Errorf("%d looks in 10 intervals", looks)
		}
		if fetches := w.git.count(w.git.fetches, "infra"); fetches != 1 {
			w.t.Errorf("%d fetches", fetches)
		}
	})

	scenario(t, "a location whose inputs did not change is not rendered again, and is at the new revision", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		before := w.index.Current().Lookup(gitindex.Key{Kind: "Deployment", Name: "db"})
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web2", "db/db.txt": "Deployment db"})
		w.pass(time.Minute)

		w.declares("Deployment db at main@c2", "Deployment web2 at main@c2")
		if apps, db := w.renderer.count("apps"), w.renderer.count("db"); apps != 2 || db != 1 {
			w.t.Errorf("apps was rendered %d times, db %d times", apps, db)
		}
		after := w.index.Current().Lookup(before.Key)
		if &after.Manifest.JSON()[0] != &before.Manifest.JSON()[0] {
			w.t.Error("the object's JSON was copied")
		}
	})

	scenario(t, "no more renderings run at a time than there are processors, but two do", func(w *world) {
		var paths []string
		content := files{}
		var release []func()
		for i := range 4 * runtime.GOMAXPROCS(0) {
			path := "apps/" + strconv.Itoa(i)
			paths = append(paths, path)
			content[path+"/web.txt"] = "Deployment web" + strconv.Itoa(i)
			release = append(release, w.renderer.hold(w.t, path))
		}
		w.git.push("infra", "c1", content)
		w.run(source("infra", paths...))
		for _, f := range release {
			f()
		}
		synctest.Wait()
		if w.index.Current().Len() != len(paths) {
			w.t.Errorf("%d objects", w.index.Current().Len())
		}
		if most, want := w.renderer.most, max(2, runtime.GOMAXPROCS(0)); most != want {
			w.t.Errorf("%d renderings at a time, not %d", most, want)
		}
	})
}

func TestTheAgeOfWhatIsKnownIsShown(t *testing.T) {
	scenario(t, "a look that finds nothing new makes the source young again", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.reports("infra", "main@c1, 0s ago")
		old := w.index.Current()
		w.pass(10 * time.Second)
		w.reports("infra", "main@c1, 10s ago")
		w.pass(50 * time.Second)
		now := w.index.Current().Source("infra").CheckedAt
		if age := time.Since(now); age > 6*time.Second {
			w.t.Errorf("the source was checked %s ago", age)
		}
		if !old.Source("infra").CheckedAt.Before(now) {
			w.t.Error("the old snapshot was changed")
		}
		if old.All()[0] != w.index.Current().All()[0] {
			w.t.Error("the snapshots don't share their objects")
		}
	})

	scenario(t, "a failed look leaves the age as it is", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.fails("infra", context.DeadlineExceeded)
		w.pass(time.Hour)
		w.reports("infra", "main@c1, 1h0m0s ago", "asking for main: context deadline exceeded")
	})
}

func TestALookCanBeAskedFor(t *testing.T) {
	scenario(t, "Refresh looks at once", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.pass(10 * time.Second)
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment new"})
		w.refresher.Refresh("infra")
		synctest.Wait()
		w.declares("Deployment new at main@c2")
	})

	scenario(t, "many calls make few looks", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.options.MinGap = 10 * time.Second
		w.run(source("infra", "apps"))
		for range 30 {
			w.refresher.Refresh("infra")
			w.pass(time.Second)
		}
		if looks := w.git.count(w.git.looks, "infra"); looks != 4 {
			w.t.Errorf("%d looks in 30s", looks)
		}
	})

	scenario(t, "calls before a look starts make no other one", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.prepare()
		w.refresher.SetSources([]gitindex.Source{source("infra", "apps")})
		w.refresher.Refresh("infra")
		w.resume()
		w.pass(30 * time.Second)
		if looks := w.git.count(w.git.looks, "infra"); looks != 1 {
			w.t.Errorf("%d looks", looks)
		}
	})

	scenario(t, "a call while a look is under way makes another one after it", func(w *world) {
		release := w.renderer.hold(w.t, "apps")
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment new"})
		w.refresher.Refresh("infra")
		release()
		w.pass(5 * time.Second)
		w.declares("Deployment new at main@c2")
	})

	scenario(t, "it cuts a pause after errors short", func(w *world) {
		w.git.fails("infra", context.DeadlineExceeded)
		w.run(source("infra", "apps"))
		w.pass(time.Hour)
		w.git.fails("infra", nil)
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		w.declares("Deployment web at main@c1")
	})

	scenario(t, "an unknown name is ignored", func(w *world) {
		w.run()
		w.refresher.Refresh("nobody")
		w.pass(time.Minute)
	})
}

func TestChangesAreAnnounced(t *testing.T) {
	scenario(t, "OnChange sees each publish, in order", func(w *world) {
		var seen []string
		w.options.OnChange = func(s *gitindex.Snapshot) {
			seen = append(seen, describe(s)...)
			w.refresher.Refresh("infra") // no lock is held
			if w.refresher.Latest() != s {
				w.t.Error("it is not the latest snapshot")
			}
		}
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment new"})
		w.pass(7 * time.Second)
		seen = slices.Compact(seen) // the same may be published again
		if len(seen) != 2 || seen[0] != "Deployment web at main@c1" || seen[1] != "Deployment new at main@c2" {
			w.t.Errorf("OnChange saw %q", seen)
		}
	})

	scenario(t, "each one has the sources in order", func(w *world) {
		w.options.OnChange = func(s *gitindex.Snapshot) {
			if !slices.IsSortedFunc(s.Sources(), func(a, b gitindex.SourceState) int {
				return strings.Compare(a.Source.Name, b.Source.Name)
			}) {
				w.t.Error("it has not")
			}
		}
		w.run(source("d", "x"), source("b", "x"), source("e", "x"), source("a", "x"), source("c", "x"))
		w.pass(10 * time.Minute)
	})

	scenario(t, "setting the same sources again announces nothing", func(w *world) {
		calls := 0
		w.options.OnChange = func(*gitindex.Snapshot) { calls++ }
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		before := calls
		w.set(source("infra", "apps"))
		if calls != before {
			w.t.Errorf("%d calls more", calls-before)
		}
	})
}

func TestRun(t *testing.T) {
	scenario(t, "it runs once only", func(w *world) {
		w.run()
		w.stop()
		if err := w.refresher.Run(w.t.Context()); err == nil {
			w.t.Error("it ran twice")
		}
	})

	// That no goroutine is left is what the bubble of each scenario checks.
	scenario(t, "it ends while a fetch hangs", func(w *world) {
		w.git.hangs("infra", true)
		w.run(source("infra", "apps"))
		w.stop()
		if n := w.logged("not refreshed"); n != 0 {
			w.t.Errorf("that is an error: %q", w.log)
		}
	})

	scenario(t, "it ends, a little later, while a fetch hangs that ignores its context", func(w *world) {
		release := w.git.ignores(w.t, "infra")
		w.run(source("infra", "apps"))
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 10*time.Second {
			w.t.Errorf("it took %s", took)
		}
		release()
	})
}

func TestTheClockCanBeSet(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	git, index, published := newServer(), &gitindex.Index{}, make(chan *gitindex.Snapshot, 100)
	git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
	r := gitindex.NewRefresher(index, git, newRenderer(), nil, logr.Discard(), gitindex.Options{
		Clock:    clock,
		OnChange: func(s *gitindex.Snapshot) { published <- s },
	})
	r.SetSources([]gitindex.Source{source("infra", "apps")})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()

	start := clock.Now()
	checked := func() time.Time {
		for s := range published {
			if at := s.Source("infra").CheckedAt; !at.IsZero() {
				return at
			}
		}
		return time.Time{}
	}
	if at := checked(); !at.Equal(start) {
		t.Errorf("checked at %s", at)
	}
	for clock.Waiters() < 2 { // the next look, and the end of the start
		runtime.Gosched()
	}
	clock.Step(time.Minute)
	for at := range published {
		if at.Source("infra").CheckedAt.Equal(start.Add(time.Minute)) {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
