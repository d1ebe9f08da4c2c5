package git_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestRestartWithTheServerAway(t *testing.T) {
	r := newInfra(t)
	server := serveHTTP(t, r, gitserver.HTTPOptions{})
	repository := onMain(server.URL + infraName)
	dir := t.TempDir()
	revision, _ := fetched(t, git.New(dir, nil, git.Options{}), repository)
	must(t, server.Close())

	restarted := git.New(dir, nil, git.Options{})
	tree, err := restarted.Tree(t.Context(), "infra", repository, revision)
	must(t, err)
	wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")

	_, err = restarted.Tree(t.Context(), "another", repository, revision)
	if err == nil || !strings.HasPrefix(err.Error(), "connecting to "+repository.URL+": dial tcp ") {
		t.Errorf("a source that has nothing stored: error is %v, want one of connecting", err)
	}
}

func TestWhatIsDamagedIsFetchedAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, pack, index string)
	}{
		{"a packfile cut short", func(t *testing.T, pack, _ string) { must(t, os.Truncate(pack, 100)) }},
		{"an empty packfile", func(t *testing.T, pack, _ string) { must(t, os.Truncate(pack, 0)) }},
		{"a packfile with a flipped bit", func(t *testing.T, pack, _ string) { flip(t, pack) }},
		{"an index with a flipped bit", func(t *testing.T, _, index string) { flip(t, index) }},
		{"an index cut short", func(t *testing.T, _, index string) { must(t, os.Truncate(index, 50)) }},
		{"no index", func(t *testing.T, _, index string) { must(t, os.Remove(index)) }},
		{"no packfile", func(t *testing.T, pack, _ string) { must(t, os.Remove(pack)) }},
		{"nothing at all", func(t *testing.T, pack, _ string) { must(t, os.RemoveAll(filepath.Dir(pack))) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newInfra(t)
			repository := onMain(serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName)
			dir := t.TempDir()
			revision, _ := fetched(t, git.New(dir, nil, git.Options{}), repository)
			pack := only(t, filepath.Join(dir, "*", "*.pack"))
			test.damage(t, pack, pack+".idx")

			store := git.New(dir, nil, git.Options{})
			for range 2 {
				tree, err := store.Tree(t.Context(), "infra", repository, revision)
				must(t, err)
				wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
			}
		})
	}
}

func TestTheStoreDoesNotGrowAndTreesStayReadable(t *testing.T) {
	r := newInfra(t)
	dir := t.TempDir()
	store := git.New(dir, nil, git.Options{})
	trees := map[string]fs.FS{}
	for i := range 6 {
		content := fmt.Sprintf("replicas: %d\n", i)
		r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": content}})
		_, trees[content] = fetched(t, store, onMain(r.Dir))
		if i == 0 {
			leftover := filepath.Join(filepath.Dir(only(t, filepath.Join(dir, "*", "*.pack"))), "part-1.pack")
			must(t, os.WriteFile(leftover, nil, 0o600))
			yesterday := time.Now().Add(-24 * time.Hour)
			must(t, os.Chtimes(leftover, yesterday, yesterday))
		}
	}
	if files := glob(t, filepath.Join(dir, "*", "*")); len(files) != 4 {
		t.Errorf("after six commits the store holds %q, want two packfiles and their indexes", files)
	}
	for content, tree := range trees {
		wantFile(t, tree, "apps/web.yaml", content)
	}
}

func TestTheStoreIsItsOwnersAlone(t *testing.T) {
	r := newInfra(t)
	dir := filepath.Join(t.TempDir(), "cache", "git")
	source := "argocd/Guestbook ../../staging"
	store := git.New(dir, nil, git.Options{})
	revision, err := store.Resolve(t.Context(), source, onMain(r.Dir))
	must(t, err)
	_, err = store.Tree(t.Context(), source, onMain(r.Dir), revision)
	must(t, err)

	var found []string
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		must(t, err)
		info, err := entry.Info()
		must(t, err)
		found = append(found, info.Mode().String()+" "+strings.TrimPrefix(path, dir))
		return nil
	}))
	want := []string{
		"drwx------ ",
		"drwx------ /argocd_Guestbook_______staging.fc9bf10ed562",
		"-rw------- /argocd_Guestbook_______staging.fc9bf10ed562/" + r.second + ".pack",
		"-rw------- /argocd_Guestbook_______staging.fc9bf10ed562/" + r.second + ".pack.idx",
	}
	if strings.Join(found, "\n") != strings.Join(want, "\n") {
		t.Errorf("the store holds\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}

func TestRetainRemovesSourcesThatWent(t *testing.T) {
	r := newInfra(t)
	dir := t.TempDir()
	store := git.New(dir, nil, git.Options{})
	must(t, store.Retain(nil)) // of a store that isn't there yet
	var gone fs.FS
	for _, source := range []string{"stays", "goes"} {
		revision := gitindex.Revision{Name: "main", Commit: r.second}
		tree, err := store.Tree(t.Context(), source, onMain(r.Dir), revision)
		must(t, err)
		gone = tree
	}
	must(t, os.Mkdir(filepath.Join(dir, "somebody-elses"), 0o700))

	must(t, store.Retain([]string{"stays", "not fetched yet"}))

	var names []string
	for _, path := range glob(t, filepath.Join(dir, "*")) {
		names = append(names, strings.SplitN(filepath.Base(path), ".", 2)[0])
	}
	if got := strings.Join(names, " "); got != "somebody-elses stays" {
		t.Errorf("the store holds %q, want %q", got, "somebody-elses stays")
	}
	wantFile(t, gone, "apps/web.yaml", "replicas: 2\n")
	fetched(t, store, onMain(r.Dir))
}

func TestManyAskForOneCommitAtATime(t *testing.T) {
	r := newInfra(t)
	var packs atomic.Int32
	url := serveVia(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				packs.Add(1)
			}
			next.ServeHTTP(w, req)
		})
	})
	store := newStore(t, git.Credentials{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			tree, err := store.Tree(t.Context(), "infra", onMain(url), gitindex.Revision{Name: "main", Commit: r.second})
			if err != nil {
				t.Error(err)
				return
			}
			wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
		})
	}
	wg.Wait()
	if n := packs.Load(); n != 1 {
		t.Errorf("the commit was fetched %d times, want once", n)
	}
}

func TestFetchesEndWithTheirContext(t *testing.T) {
	r := newInfra(t)
	asked := make(chan struct{})
	url := serveVia(t, r, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			close(asked)
			<-req.Context().Done()
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := newStore(t, git.Credentials{}).Resolve(ctx, "infra", onMain(url))
	wantError(t, err, "fetching "+url+": context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Error("the error is not context.Canceled")
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	r := newInfra(t)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, err := git.New(file, nil, git.Options{}).
		Tree(t.Context(), "infra", onMain(r.Dir), gitindex.Revision{Name: "main", Commit: r.second})
	wantError(t, err, "fetching "+r.Dir+": storing the commit: mkdir "+file+": not a directory")
}

func TestFilesAreClosedWithTheirTrees(t *testing.T) {
	const descriptors = "/proc/self/fd"
	if _, err := os.Stat(descriptors); err != nil {
		t.Skip("needs " + descriptors)
	}
	r := newInfra(t)
	dir := t.TempDir()
	store := git.New(dir, nil, git.Options{})
	for range 5 {
		fetched(t, store, onMain(r.Dir))
	}
	open := func() (names []string) {
		for _, path := range glob(t, descriptors+"/*") {
			if name, err := os.Readlink(path); err == nil && strings.HasPrefix(name, dir) {
				names = append(names, name)
			}
		}
		return names
	}
	for range 1000 {
		if len(open()) == 0 {
			return
		}
		runtime.GC() // closes in a goroutine of its own
		runtime.Gosched()
	}
	t.Errorf("open long after their trees are gone: %q", open())
}

// flip changes a bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	changed := bytes.Clone(data)
	changed[len(changed)/2] ^= 1
	must(t, os.WriteFile(path, changed, 0o600))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	must(t, err)
	return paths
}

func only(t *testing.T, pattern string) string {
	t.Helper()
	paths := glob(t, pattern)
	if len(paths) != 1 {
		t.Fatalf("%d files match %s, want one", len(paths), pattern)
	}
	return paths[0]
}
