package gitindex_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var errDown = errors.New("connection refused")

func TestAFaultTakesNoDeclarationAway(t *testing.T) {
	scenario(t, "a source that can't be reached keeps its objects, and says so until it can", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o1", files{"apps/other.txt": "Deployment other"})
		w.run(source("infra", "apps"), source("other", "apps"))
		w.git.fails("infra", errDown)
		w.git.push("other", "o2", files{"apps/other.txt": "Deployment other"})
		w.pass(2 * time.Minute)
		w.declares("Deployment other at main@o2", "Deployment web at main@c1")
		w.reports("infra", "main@c1, 2m0s ago", "asking for main: connection refused")

		w.git.fails("infra", nil)
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		if state := w.index.Current().Source("infra"); state.Err != nil || time.Since(state.CheckedAt) > 5*time.Second {
			w.t.Errorf("after the repair: %v, checked %s ago", state.Err, time.Since(state.CheckedAt))
		}
	})

	scenario(t, "a tree that can't be fetched leaves the revision and its age", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "c2", nil)
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 1m0s ago", "fetching main@c2: no commit c2")
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web"})
		w.pass(time.Minute)
		w.declares("Deployment web at main@c2")
	})

	scenario(t, "a fetcher that names no commit is at fault", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "nothing", nil)
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 1m0s ago", "asking for main: the fetcher named no commit")
	})

	scenario(t, "a location that can't be rendered keeps its objects, the others go on", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web\nbroken", "db/db.txt": "Deployment db2"})
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		w.declares("Deployment db2 at main@c2", "Deployment web at main@c1")
		w.reports("infra", "main@c2, 0s ago", "apps at main@c1: apps/web.txt:2: bad indentation")
		if _, ok := errors.AsType[*gitindex.RenderError](w.index.Current().Source("infra").Locations[0].Err); !ok {
			w.t.Error("the error is no *RenderError")
		}

		w.git.push("infra", "c3", files{"apps/web.txt": "Deployment web3", "db/db.txt": "Deployment db2"})
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		w.declares("Deployment db2 at main@c3", "Deployment web3 at main@c3")
		w.reports("infra", "main@c3, 0s ago")
	})

	scenario(t, "bad files are not rendered again before they change", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.push("infra", "c2", files{"apps/web.txt": "broken"})
		w.pass(time.Hour)
		w.git.push("infra", "c3", files{"apps/web.txt": "broken", "README": "more"})
		w.pass(time.Hour)
		if renders := w.renderer.count("apps"); renders != 2 {
			w.t.Errorf("%d renderings", renders)
		}
		w.declares("Deployment web at main@c1")
		if n := w.logged("bad indentation"); n != 1 {
			w.t.Errorf("logged %d times", n)
		}

		w.git.push("infra", "c4", files{"apps/web.txt": "Deployment web"})
		w.pass(time.Minute)
		w.declares("Deployment web at main@c4")
	})

	scenario(t, "a location that is nowhere in Git is an error, and nothing is known of it", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps", "typo"))
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 0s ago", "typo at : open typo: file does not exist")
		if got := w.index.Current().Incomplete(); len(got) != 1 || got[0] != "infra: typo" {
			w.t.Errorf("incomplete: %q", got)
		}
	})
}

func TestAPanicIsAnError(t *testing.T) {
	scenario(t, "in the fetcher, of the source", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.fails("infra", errors.New("panic"))
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
		w.reports("infra", "main@c1, 1m0s ago", "asking for main: panic: the fetcher is broken")
		if w.logged("fakes_test.go") != 1 {
			w.t.Errorf("no stack trace was logged: %q", w.log)
		}
	})

	scenario(t, "in the renderer, of the location, and it is tried again", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "panic", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		w.declares("Deployment db at main@c1")
		w.reports("infra", "main@c1, 0s ago", "apps at : panic: the renderer is broken")
		w.pass(time.Hour)
		if renders := w.renderer.count("apps"); renders < 10 || renders > 25 {
			w.t.Errorf("%d renderings in an hour", renders)
		}
		if renders := w.renderer.count("db"); renders != 1 {
			w.t.Errorf("%d renderings of the other location", renders)
		}
	})
}

func TestErrorsSlowTheLooksDown(t *testing.T) {
	scenario(t, "each pause is twice the one before, up to the longest", func(w *world) {
		w.options.MinBackoff, w.options.MaxBackoff = time.Second, 40*time.Second
		w.git.fails("infra", errDown)
		w.run(source("infra", "apps"))
		var pauses []time.Duration
		for last := time.Now(); len(pauses) < 8; {
			w.pass(100 * time.Millisecond)
			if look := w.git.looked("infra"); look.After(last) {
				pauses = append(pauses, look.Sub(last))
				last = look
			}
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 40, 40} {
			if got := pauses[i]; got < want*900*time.Millisecond || got > want*time.Second {
				w.t.Errorf("pause %d is %s, not about %ds", i, got, want)
			}
		}
	})

	scenario(t, "a good look ends that", func(w *world) {
		w.git.fails("infra", errDown)
		w.run(source("infra", "apps"))
		w.pass(time.Hour)
		w.git.fails("infra", nil)
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.pass(5 * time.Minute)
		w.git.fails("infra", errDown)
		for w.index.Current().Source("infra").Err == nil {
			w.pass(100 * time.Millisecond)
		}
		before := w.git.count(w.git.looks, "infra")
		w.pass(time.Second)
		if looks := w.git.count(w.git.looks, "infra") - before; looks != 1 {
			w.t.Errorf("%d looks in the first second", looks)
		}
	})

	scenario(t, "an error is logged once, its end too", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.git.fails("infra", errDown)
		w.pass(time.Hour)
		if n := w.logged("connection refused"); n != 1 {
			w.t.Errorf("logged %d times", n)
		}
		w.git.fails("infra", errors.New("bad certificate"))
		w.pass(time.Hour)
		if n := w.logged("bad certificate"); n != 1 {
			w.t.Errorf("another error was logged %d times", n)
		}
		w.git.fails("infra", nil)
		w.pass(time.Hour)
		if n := w.logged("refreshed again"); n != 1 {
			w.t.Errorf("the end was logged %d times", n)
		}
	})

	scenario(t, "the log tells what was never loaded from what stays declared", func(w *world) {
		w.git.fails("infra", errDown)
		w.git.push("other", "o1", files{"apps/web.txt": "Deployment web\nbroken"})
		w.run(source("infra", "apps"), source("other", "apps"))
		for _, never := range []string{"source not loaded, and it never was: what it declares isn't known", "path not rendered, and it never was: what it declares isn't known"} {
			if n := w.logged(never); n != 1 {
				w.t.Errorf("%q was logged %d times", never, n)
			}
		}
		w.git.fails("infra", nil)
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o2", files{"apps/other.txt": "Deployment other"})
		w.pass(time.Hour)
		if n := w.logged("stay declared"); n != 0 {
			w.t.Errorf("what was never loaded is said %d times to stay", n)
		}
		w.git.fails("infra", errDown)
		w.git.push("other", "o3", files{"apps/other.txt": "Deployment other\nbroken"})
		w.pass(time.Hour)
		for _, stays := range []string{"source not refreshed, its last good objects stay declared", "path not rendered, its last good objects stay declared"} {
			if n := w.logged(stays); n != 1 {
				w.t.Errorf("%q was logged %d times", stays, n)
			}
		}
	})
}

func TestASlowSourceDelaysNoOther(t *testing.T) {
	scenario(t, "a fetch that hangs ends after the timeout", func(w *world) {
		w.options.Timeout = 30 * time.Second
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("slow", "s1", files{"apps/slow.txt": "Deployment slow"})
		w.run(source("infra", "apps"), source("slow", "apps"))
		w.git.hangs("slow", true)
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web"})
		w.pass(time.Minute)
		w.declares("Deployment slow at main@s1", "Deployment web at main@c2")
		w.pass(31 * time.Second)
		w.reports("slow", "main@s1, 1m31s ago",
			"asking for main: gave up after 30s: context deadline exceeded (context canceled)")
	})

	scenario(t, "one that ignores its context is left behind, and not joined by another", func(w *world) {
		w.options.Timeout = 30 * time.Second
		release := w.git.ignores(w.t, "deaf")
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"), source("deaf", "apps"))
		w.pass(40 * time.Second)
		w.reports("deaf", "never", "asking for main: an earlier attempt has not ended yet")
		w.declares("Deployment web at main@c1")
		w.pass(time.Hour)
		if looks := w.git.count(w.git.looks, "deaf"); looks != 1 {
			w.t.Errorf("%d attempts at a time", looks)
		}

		w.git.push("deaf", "d1", files{"apps/deaf.txt": "Deployment deaf"})
		release()
		w.pass(5 * time.Minute)
		w.declares("Deployment deaf at main@d1", "Deployment web at main@c1")
	})

	scenario(t, "a rendering that hangs fails by itself, and is tried again", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.run(source("infra", "apps", "db"))
		w.git.push("infra", "c2", files{"apps/web.txt": "endless", "db/db.txt": "Deployment db"})
		w.pass(4 * time.Minute)
		w.declares("Deployment db at main@c2", "Deployment web at main@c1")
		if err := w.index.Current().Source("infra").Locations[0].Err; err == nil {
			w.t.Error("the location has no error")
		}
		if renders := w.renderer.count("apps"); renders < 2 {
			w.t.Errorf("%d renderings", renders)
		}
	})

	scenario(t, "renderings that ignore their context give their places up", func(w *world) {
		release := w.renderer.hold(w.t, "stuck")
		var sources []gitindex.Source
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"} {
			w.git.push(name, name+"1", files{"stuck/x.txt": "Deployment " + name})
			sources = append(sources, source(name, "stuck"))
		}
		w.git.push("z", "z1", files{"apps/web.txt": "Deployment web"})
		w.run(append(sources, source("z", "apps"))...)
		w.pass(30 * time.Minute)
		w.declares("Deployment web at main@z1")
		release()
		synctest.Wait()
	})
}
