package gitindex_test

import (
	"testing"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// verified is a source whose commits have to be signed.
func verified(name string, paths ...string) gitindex.Source {
	s := source(name, paths...)
	s.Repository.Verify = gitindex.Verification{Mode: gitindex.VerifyHEAD, Keys: gitindex.SecretRef{Name: "keys"}}
	return s
}

func TestOnlySignedCommitsCount(t *testing.T) {
	scenario(t, "an unsigned one is not followed, nor fetched", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.signs("c1", true)
		w.run(verified("infra", "apps"))
		w.declares("Deployment web at main@c1")

		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment evil"})
		w.pass(2 * time.Minute)
		w.declares("Deployment web at main@c1")
		if got := w.git.count(w.git.fetches, "infra"); got != 1 {
			w.t.Errorf("%d trees were fetched", got)
		}
		latest := w.refresher.Latest().Source("infra")
		if want := "verifying main@c2: commit c2 is not signed"; latest.Err == nil || latest.Err.Error() != want {
			w.t.Errorf("the error is %v, want %s", latest.Err, want)
		}

		w.git.push("infra", "c3", files{"apps/web.txt": "Deployment web3"})
		w.git.signs("c3", true)
		w.pass(5 * time.Minute)
		w.declares("Deployment web3 at main@c3")
	})

	scenario(t, "one source's unsigned commit is no other's business", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("other", "o1", files{"apps/other.txt": "Deployment other"})
		w.run(verified("infra", "apps"), source("other", "apps"))
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1")
		w.incomplete("infra")
	})

	scenario(t, "keys that are taken away are missed at a commit that was good", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.signs("c1", true)
		w.run(verified("infra", "apps"))
		w.git.signs("c1", false)
		w.pass(time.Minute)
		w.declares("Deployment web at main@c1")
		if err := w.refresher.Latest().Source("infra").Err; err == nil || err.Error() != "verifying main@c1: commit c1 is not signed" {
			w.t.Errorf("the error is %v", err)
		}
		w.git.signs("c1", true)
		w.pass(5 * time.Minute)
		if err := w.refresher.Latest().Source("infra").Err; err != nil {
			w.t.Errorf("the error is %v", err)
		}
	})

	scenario(t, "those of a repository that values come from have to be, too", func(w *world) {
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.git.push("values", "v1", files{"values.txt": ""})
		s := source("infra", "apps")
		s.References = map[string]gitindex.Repository{"$values": verified("values").Repository}
		w.run(s)
		w.reports("infra", "never", "verifying main@v1 of $values: commit v1 is not signed")
	})
}

// verifiedRestart has served a signed commit when Git goes away.
func verifiedRestart(t *testing.T, name string, play func(w *world)) {
	restartScenario(t, name, func(w *world) {
		w.git.signs("c1", true)
		w.set(verified("infra", "apps", "db"), source("other", "apps"))
		w.pass(time.Minute)
		play(w)
	})
}

func TestARestartVerifiesAgain(t *testing.T) {
	away := func(w *world) {
		w.stop()
		w.git.fails("infra", errDown)
		w.git.fails("other", errDown)
	}
	again := func(w *world) { w.restart(verified("infra", "apps", "db"), source("other", "apps")) }

	verifiedRestart(t, "and serves what is signed", func(w *world) {
		away(w)
		again(w)
		w.declares("Deployment db at main@c1", "Deployment other at main@o1", "Deployment web at main@c1")
		w.incomplete()
	})

	verifiedRestart(t, "and takes nothing from disk that was signed with a key that is gone", func(w *world) {
		away(w)
		w.git.signs("c1", false)
		again(w)
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1")
		w.incomplete("infra")
		if w.logged(`"the source's cache file is not used" "error"="verifying main@c1: commit c1 is not signed" "source"="infra"`) != 1 {
			w.t.Errorf("the log is %q", w.log)
		}
	})

	restartScenario(t, "where nothing had to be signed before", func(w *world) {
		away(w)
		again(w)
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1")
		w.incomplete("infra")
	})

	restartScenario(t, "where it was to be signed already, and stayed as it was for want of that", func(w *world) {
		w.set(verified("infra", "apps", "db"), source("other", "apps"))
		w.pass(time.Minute)
		w.declares("Deployment db at main@c1", "Deployment other at main@o1", "Deployment web at main@c1")
		away(w)
		again(w)
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1")
	})

	verifiedRestart(t, "and leaves out a folder whose last good commit isn't signed any more", func(w *world) {
		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web", "db/db.txt": "broken"})
		w.git.signs("c2", true)
		w.pass(time.Minute)
		w.declares("Deployment db at main@c1", "Deployment other at main@o1", "Deployment web at main@c2")
		away(w)
		w.git.signs("c1", false)
		again(w)
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1", "Deployment web at main@c2")
		w.incomplete("infra: db")
		if w.logged(`"part of the source's cache file is not used" "error"="verifying db at main@c1: commit c1 is not signed" "source"="infra"`) != 1 {
			w.t.Errorf("the log is %q", w.log)
		}
	})

	restartScenario(t, "and takes nothing that was rendered with another repository's files which have to be signed", func(w *world) {
		with := source("infra", "apps", "db")
		with.References = map[string]gitindex.Repository{"$values": verified("other").Repository}
		w.git.signs("o1", true)
		w.set(with, source("other", "apps"))
		w.pass(time.Minute)
		away(w)
		w.restart(with, source("other", "apps"))
		w.pass(time.Minute)
		w.declares("Deployment other at main@o1")
	})
}
