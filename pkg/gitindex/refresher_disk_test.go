package gitindex_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// cacheFiles are the files in the cache's directory.
func (w *world) cacheFiles() []string {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.cacheDir, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// mark changes the mode of the cache's files, which a new file would not have.
func (w *world) mark() {
	w.t.Helper()
	for _, name := range w.cacheFiles() {
		if err := os.Chmod(name, 0o400); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) marked() bool {
	w.t.Helper()
	for _, name := range w.cacheFiles() {
		info, err := os.Stat(name)
		if err != nil {
			w.t.Fatal(err)
		}
		if info.Mode().Perm() != 0o400 {
			return false
		}
	}
	return true
}

func restartScenario(t *testing.T, name string, play func(w *world)) {
	scenario(t, name, func(w *world) {
		w.cacheDir = filepath.Join(w.t.TempDir(), "cache")
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web", "db/db.txt": "Deployment db"})
		w.git.push("other", "o1", files{"apps/other.txt": "Deployment other"})
		w.run(source("infra", "apps", "db"), source("other", "apps"))
		play(w)
	})
}

func TestARestartWhileGitIsAway(t *testing.T) {
	restartScenario(t, "serves what was known, as old as it is", func(w *world) {
		origin := w.index.Current().All()[0].Origin
		w.git.fails("infra", errDown)
		w.git.fails("other", errDown)
		w.pass(time.Hour)
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		w.declares("Deployment db at main@c1", "Deployment other at main@o1", "Deployment web at main@c1")
		w.ready(true)
		w.incomplete()
		w.reports("infra", "main@c1, 1h0m0s ago", "asking for main: connection refused")
		after := w.index.Current().All()[0]
		if got := after.Origin; got.URL != origin.URL || got.File != origin.File || got.Line != origin.Line || got.Path != origin.Path ||
			got.Source != origin.Source || len(got.Fields) != 1 || got.Fields[0] != origin.Fields[0] {
			w.t.Errorf("origin is %+v, was %+v", got, origin)
		}
		if object, err := after.Object(); err != nil || object["kind"] != "Deployment" {
			w.t.Errorf("object is %v, %v", object, err)
		}
	})

	restartScenario(t, "knows when the remote was last seen unchanged", func(w *world) {
		w.pass(time.Hour)
		checked := w.index.Current().Source("infra").CheckedAt
		w.git.fails("infra", errDown)
		w.git.fails("other", errDown)
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		if got := w.index.Current().Source("infra").CheckedAt; !got.Equal(checked) {
			w.t.Errorf("checked at %s, not %s", got, checked)
		}
	})

	restartScenario(t, "does not wait for a remote that hangs", func(w *world) {
		w.git.hangs("infra", true)
		w.git.hangs("other", true)
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		w.declares("Deployment db at main@c1", "Deployment other at main@o1", "Deployment web at main@c1")
	})

	restartScenario(t, "shows errors in files as errors still", func(w *world) {
		w.git.push("infra", "c2", files{"apps/web.txt": "broken", "db/db.txt": "Deployment db"})
		w.pass(time.Minute)
		w.git.fails("infra", errDown)
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		w.declares("Deployment db at main@c2", "Deployment other at main@o1", "Deployment web at main@c1")
		state := w.index.Current().Source("infra").Locations[0]
		if state.Err == nil || state.Err.Error() != "apps/web.txt:1: bad indentation" {
			w.t.Errorf("the error is %v", state.Err)
		}
	})

	restartScenario(t, "uses what still fits a changed definition", func(w *world) {
		w.git.fails("infra", errDown)
		w.git.fails("other", errDown)
		elsewhere := source("other", "apps")
		elsewhere.Repository.Ref = gitindex.Ref{Branch: "next"}
		w.restart(source("infra", "new", "db"), elsewhere)
		w.declares("Deployment db at main@c1")
		w.incomplete("infra: new", "other")
	})
}

func TestARestart(t *testing.T) {
	restartScenario(t, "renders everything again, as another version may see other things in it", func(w *world) {
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		if renders := w.renderer.count("db"); renders != 2 {
			w.t.Errorf("%d renderings", renders)
		}
	})

	restartScenario(t, "sees what changed meanwhile", func(w *world) {
		w.stop()
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web2", "db/db.txt": "Deployment db"})
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		w.declares("Deployment db at main@c2", "Deployment other at main@o1", "Deployment web2 at main@c2")
	})
}

func TestTheCacheDirectory(t *testing.T) {
	restartScenario(t, "is for its owner only", func(w *world) {
		for _, name := range append(w.cacheFiles(), w.cacheDir) {
			info, err := os.Stat(name)
			if err != nil {
				w.t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				w.t.Errorf("%s has mode %s", name, info.Mode())
			}
		}
	})

	scenario(t, "has no file of a source of which nothing was rendered", func(w *world) {
		w.cacheDir = filepath.Join(w.t.TempDir(), "cache")
		w.git.push("infra", "c1", files{"apps/web.txt": "broken"})
		w.run(source("infra", "apps"))
		w.pass(time.Minute)
		if got := w.cacheFiles(); len(got) != 0 {
			w.t.Errorf("files: %q", got)
		}
	})

	restartScenario(t, "has no file of a removed source", func(w *world) {
		w.set(source("infra", "apps"))
		if got := w.cacheFiles(); len(got) != 1 {
			w.t.Errorf("files: %q", got)
		}
	})

	restartScenario(t, "has no file of a source that was gone at the start, after a while", func(w *world) {
		w.stop()
		leftover := filepath.Join(w.cacheDir, "new-1.index.tmp")
		foreign := filepath.Join(w.cacheDir, "foreign")
		for _, name := range []string{leftover, foreign} {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				w.t.Fatal(err)
			}
		}
		w.restart(source("infra", "apps"))
		w.set(source("infra", "apps"), source("other", "apps")) // in time
		w.pass(time.Minute)
		if got := w.cacheFiles(); len(got) != 3 {
			w.t.Errorf("files: %q", got)
		}
		w.restart(source("infra", "apps"))
		w.pass(time.Minute)
		if got := w.cacheFiles(); len(got) != 2 {
			w.t.Errorf("files: %q", got)
		}
	})

	restartScenario(t, "is written only when something changed", func(w *world) {
		w.mark()
		before := w.index.Current().Source("infra").CheckedAt
		w.pass(time.Hour)
		w.git.fails("infra", errDown)
		w.git.fails("other", errDown)
		w.restart(source("infra", "apps", "db"), source("other", "apps"))
		w.pass(time.Hour)
		if !w.marked() {
			w.t.Error("the files were written again")
		}
		if !w.index.Current().Source("infra").CheckedAt.After(before) {
			w.t.Error("the time of the last look was not noted")
		}
	})

	restartScenario(t, "has nothing of a removed location, though Git is away", func(w *world) {
		w.git.fails("infra", errDown)
		w.set(source("infra", "apps"))
		w.restart(source("infra", "apps", "db"))
		w.declares("Deployment web at main@c1")
	})

	restartScenario(t, "may come from a machine whose clock goes fast", func(w *world) {
		w.stop()
		for _, name := range w.cacheFiles() {
			if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)); err != nil {
				w.t.Fatal(err)
			}
		}
		w.git.fails("infra", errDown)
		w.restart(source("infra", "apps", "db"))
		w.reports("infra", "main@c1, 0s ago", "asking for main: connection refused")
	})

	restartScenario(t, "can be lost, and is made again", func(w *world) {
		if err := os.RemoveAll(w.cacheDir); err != nil {
			w.t.Fatal(err)
		}
		w.pass(2 * time.Minute)
		if got := w.cacheFiles(); len(got) != 2 {
			w.t.Errorf("files: %q", got)
		}
	})

	restartScenario(t, "may hold nonsense, which is logged, ignored and replaced", func(w *world) {
		w.stop()
		for _, name := range w.cacheFiles() {
			if err := os.WriteFile(name, []byte("nonsense"), 0o600); err != nil {
				w.t.Fatal(err)
			}
		}
		w.git.fails("infra", errDown)
		w.restart(source("infra", "apps"), source("other", "apps"))
		w.declares("Deployment other at main@o1")
		if w.logged("cache file is not used") != 2 {
			w.t.Errorf("the log has %q", w.log)
		}
		w.git.fails("other", errDown)
		w.restart(source("infra", "apps"), source("other", "apps"))
		w.declares("Deployment other at main@o1")
	})

	scenario(t, "may be out of order, and serving goes on", func(w *world) {
		w.cacheDir = filepath.Join(w.t.TempDir(), "file")
		if err := os.WriteFile(w.cacheDir, nil, 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		w.pass(time.Hour)
		w.declares("Deployment web at main@c1")
		if n := w.logged("not saved to disk"); n != 1 {
			w.t.Errorf("logged %d times: %q", n, w.log)
		}
		if err := os.Remove(w.cacheDir); err != nil {
			w.t.Fatal(err)
		}
		w.pass(time.Minute)
		if got := w.cacheFiles(); len(got) != 1 {
			w.t.Errorf("after the repair: %q", got)
		}
	})
}
