package badsources_test

import (
	"fmt"
	"io"
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
	return r.object(repository, strings.NewReader(entries), "mktree")
}

// object runs git, which makes an object of its input.
func (r *room) object(repository *gitserver.Repository, from io.Reader, args ...string) (hash string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = repository.Dir, gitserver.Env(), from
	out, err := cmd.Output()
	r.must(err)
	return strings.TrimSpace(string(out))
}

// zeros reads as nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// inflate makes a commit in which 400 MiB that take 400 KiB packed are a file
// beside what is rendered, or a file of it.
func (r *room) inflate(source string, inside bool) (revision string) {
	r.t.Helper()
	repository := r.repository[source]
	zeros := r.object(repository, io.LimitReader(zeros{}, 400<<20), "hash-object", "-w", "--stdin")
	manifest := r.object(repository, strings.NewReader(configMap(source, "2")), "hash-object", "-w", "--stdin")
	files, others := fmt.Sprintf("100644 blob %s\ta.yaml\n", manifest), ""
	if inside {
		files += fmt.Sprintf("100644 blob %s\tb.yaml\n", zeros)
	} else {
		others = fmt.Sprintf("100644 blob %s\timage.raw\n", zeros)
	}
	root := r.tree(repository, others+fmt.Sprintf("040000 tree %s\t%s\n", r.tree(repository, files), source))
	commit, err := repository.Git("commit-tree", "-m", "inflate", root)
	r.must(err)
	r.must(repository.SetBranch(gitserver.DefaultBranch, commit))
	return "main@" + commit[:7]
}

func TestALargeFileIsTroubleOnlyWhereItIsNeeded(t *testing.T) {
	r := beginsWell(t)
	b := bad{name: "inflated", format: gitindex.Plain}
	b.start(r)
	beside := "2 at " + r.inflate(b.name, false)
	r.refresher.Refresh(b.name)
	r.until(beside, func() bool { return r.declared(b.name) == beside })
	r.reports(b.name)

	var revision string
	held := r.worked(b, func() {
		revision = r.inflate(b.name, true)
		r.refresher.Refresh(b.name)
	})
	close(held.open)
	r.until("what is wrong", func() bool { return r.refresher.Latest().Source(b.name).Faults() != nil })
	r.reports(b.name, "rendering inflated at "+revision+": reading inflated/b.yaml: the files of this location are larger than 32 MiB in all: split it into several locations")
	if got := r.declared(b.name); got != beside {
		t.Errorf("it declares %q, not its last good %q", got, beside)
	}
	r.follows("3")
	r.withinBounds()
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
