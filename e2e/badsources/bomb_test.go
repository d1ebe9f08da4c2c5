package badsources_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// fold makes a commit of a folder that holds itself ten times over, so often:
// Git keeps each only once.
func (r *room) fold(source string, times int) (revision string) {
	r.t.Helper()
	repository := r.repository[source]
	tree, err := repository.Git("rev-parse", "main:"+source)
	r.must(err)
	for range times {
		var entries strings.Builder
		for i := range 10 {
			fmt.Fprintf(&entries, "040000 tree %s\td%d\n", tree, i)
		}
		tree = r.tree(repository, entries.String())
	}
	root := r.tree(repository, fmt.Sprintf("040000 tree %s\t%s\n", tree, source))
	commit, err := repository.Git("commit-tree", "-m", "fold", root)
	r.must(err)
	r.must(repository.SetBranch(gitserver.DefaultBranch, commit))
	return "main@" + commit[:7]
}

func (r *room) tree(repository *gitserver.Repository, entries string) string {
	r.t.Helper()
	cmd := exec.Command("git", "mktree")
	cmd.Dir, cmd.Env, cmd.Stdin = repository.Dir, gitserver.Env(), strings.NewReader(entries)
	out, err := cmd.Output()
	r.must(err)
	return strings.TrimSpace(string(out))
}

func TestFoldersWithoutEndAreNotWalkedToIt(t *testing.T) {
	r := beginsWell(t)
	b := bad{name: "folded", format: gitindex.Plain}
	before := b.start(r)
	r.commit(b.name, gitserver.Commit{Replace: true, Files: map[string]string{b.name + "/x": ""}})
	var revision string
	held := r.worked(b, func() {
		revision = r.fold(b.name, 12)
		r.refresher.Refresh(b.name)
	})
	close(held.open)
	r.until("what is wrong", func() bool { return r.refresher.Latest().Source(b.name).Faults() != nil })
	r.reports(b.name, "rendering folded at "+revision+": the location has more files and folders than can be looked at: split it into several, or name one with fewer")
	if got := r.declared(b.name); got != before {
		t.Errorf("it declares %q, not its last good %q", got, before)
	}
	r.follows("3")
	r.withinBounds()
}
