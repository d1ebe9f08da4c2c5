package git_test

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

const large = 100 << 20

func TestALargeFileIsNotUnpacked(t *testing.T) {
	r := newInfra(t)
	r.commit(gitserver.Commit{Files: map[string]string{"image.raw": strings.Repeat("\x00", large)}})
	for name, url := range map[string]string{
		"over HTTP":     serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName,
		"from a folder": r.Dir,
	} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t, git.Credentials{})
			before := allocated()
			_, tree := fetched(t, store, onMain(url))
			if got, err := fs.ReadFile(tree, "apps/web.yaml"); err != nil || string(got) != "replicas: 2\n" {
				t.Errorf("a file beside it: %q, %v", got, err)
			}
			info, err := fs.Stat(tree, "image.raw")
			if err != nil || info.Size() != large {
				t.Errorf("stat: %v, %v; want its size", info, err)
			}
			_, err = fs.ReadFile(tree, "image.raw")
			wantError(t, err, "read image.raw: the file has 100 MiB, which is more than the limit of 8 MiB")
			if all := allocated() - before; all > large/2 {
				t.Errorf("%d MiB of memory were taken in all", all>>20)
			}
		})
	}
}

// allocated is all the memory that was ever taken.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// numbers is text of at least that many bytes.
func numbers(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(strconv.Itoa(i) + "\n")
	}
	return b.String()
}

func TestALargeFileMayBeADeltaToAnother(t *testing.T) {
	r := newInfra(t)
	data := numbers(20 << 20)
	r.commit(gitserver.Commit{Files: map[string]string{"data/1.csv": data, "data/2.csv": "id\n" + data}})
	r.git("repack", "-adfq")
	url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
	dir := filepath.Join(t.TempDir(), "store")
	revision, _ := fetched(t, git.New(dir, nil, git.Options{}), onMain(url))

	tree, err := git.New(dir, nil, git.Options{}).Tree(t.Context(), "infra", onMain(url), revision) // as it was kept
	must(t, err)
	if got, err := fs.ReadFile(tree, "apps/web.yaml"); err != nil || string(got) != "replicas: 2\n" {
		t.Errorf("a file beside them: %q, %v", got, err)
	}
	entries, err := fs.ReadDir(tree, "data")
	must(t, err)
	var unknown int
	for _, entry := range entries {
		info, err := entry.Info()
		must(t, err)
		if info.Size() <= 8<<20 {
			t.Errorf("%s has %d bytes, within the limit", entry.Name(), info.Size())
		}
		name := "data/" + entry.Name()
		_, err = fs.ReadFile(tree, name)
		if info.Size() == 8<<20+1 {
			unknown++
			wantError(t, err, "read "+name+": the file is too large to be unpacked: it may have 8 MiB")
		} else {
			wantError(t, err, "read "+name+": the file has "+strconv.FormatInt(info.Size(), 10)+" bytes, which is more than the limit of 8 MiB")
		}
	}
	if len(entries) != 2 || unknown != 1 {
		t.Errorf("%d of %d files are deltas, want one of two", unknown, len(entries))
	}
}

func TestAFolderThatIsTooLargeIsNotUnpacked(t *testing.T) {
	r := newInfra(t)
	file, err := r.Git("rev-parse", "main:README.md")
	must(t, err)
	var entries strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&entries, "100644 blob %s\t%0200d\n", file, i)
	}
	cmd := exec.Command("git", "mktree") // fast-import takes minutes for that many names
	cmd.Dir, cmd.Env, cmd.Stdin = r.Dir, gitserver.Env(), strings.NewReader(entries.String())
	out, err := cmd.Output()
	must(t, err)
	folder := strings.TrimSpace(string(out))
	commit, err := r.Git("commit-tree", "-m", "many names", folder)
	must(t, err)
	must(t, r.SetBranch(gitserver.DefaultBranch, commit))
	url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
	_, err = newStore(t, git.Credentials{}).Tree(t.Context(), "infra", onMain(url), gitindex.Revision{Name: "main", Commit: commit})
	wantError(t, err, "fetching "+url+": tree "+folder+" has 22800000 bytes, which is more than the limit of 16 MiB")
}
