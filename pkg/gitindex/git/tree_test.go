package git_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// treeOf is the tree of a repository with one commit.
func treeOf(t *testing.T, o git.Options, c gitserver.Commit) fs.FS {
	t.Helper()
	root := t.TempDir()
	repository, err := gitserver.Init(filepath.Join(root, "infra.git"))
	must(t, err)
	commit, err := repository.Commit(c)
	must(t, err)
	tree, err := git.New(filepath.Join(root, "store"), nil, o).
		Tree(t.Context(), "infra", onMain(repository.Dir), gitindex.Revision{Name: "main", Commit: commit})
	must(t, err)
	return tree
}

func TestTreeIsAFileSystem(t *testing.T) {
	tree := treeOf(t, git.Options{}, gitserver.Commit{
		Files: map[string]string{
			"README.md":         "infra\n",
			"empty":             "",
			"apps/web.yaml":     "replicas: 1\n",
			"apps-old/web.yaml": "sorted differently by git and by people\n",
			"apps.yaml":         "so is this\n",
			"a b/ü/日本.yaml":     "any name will do\n",
		},
		Symlinks: map[string]string{"current": "apps", "latest.yaml": "apps/web.yaml"},
	})
	must(t, fstest.TestFS(tree, "README.md", "empty", "apps/web.yaml", "apps-old/web.yaml", "apps.yaml", "a b/ü/日本.yaml", "current", "latest.yaml"))

	sub, err := fs.Sub(tree, "apps")
	must(t, err)
	must(t, fstest.TestFS(sub, "web.yaml"))
}

func TestTreeFollowsSymlinks(t *testing.T) {
	tree := treeOf(t, git.Options{}, gitserver.Commit{
		Files: map[string]string{"apps/web/web.yaml": "web\n", "base/base.yaml": "base\n"},
		Symlinks: map[string]string{
			"file.yaml":          "apps/web/web.yaml",
			"apps/up.yaml":       "../base/base.yaml",
			"folder":             "./apps//web/",
			"apps/web/base":      "../../base",
			"chain":              "folder/base",
			"root":               ".",
			"apps/web/out-in":    "../../apps/../base",
			"apps/web/back.yaml": "base/../file.yaml",
		},
	})
	for name, want := range map[string]string{
		"file.yaml":                   "web\n",
		"apps/up.yaml":                "base\n",
		"folder/web.yaml":             "web\n",
		"folder/base/base.yaml":       "base\n",
		"chain/base.yaml":             "base\n",
		"root/root/apps/up.yaml":      "base\n",
		"folder/out-in/base.yaml":     "base\n",
		"apps/web/back.yaml":          "web\n", // .. is taken from where base leads
		"root/apps/web/base/../x/../": "",      // and not at all in a name that is asked for
	} {
		if want == "" {
			_, err := fs.ReadFile(tree, name)
			wantError(t, err, "open "+name+": invalid argument")
			continue
		}
		wantFile(t, tree, name, want)
	}

	entries, err := fs.ReadDir(tree, "folder")
	must(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Type().String()+" "+entry.Name())
	}
	if got, want := strings.Join(names, ", "), "L--------- back.yaml, L--------- base, L--------- out-in, ---------- web.yaml"; got != want {
		t.Errorf("folder holds %s, want %s", got, want)
	}

	followed, err := fs.Stat(tree, "folder")
	must(t, err)
	link, err := fs.Lstat(tree, "folder")
	must(t, err)
	target, err := fs.ReadLink(tree, "folder")
	must(t, err)
	if !followed.IsDir() || followed.Name() != "folder" || link.Mode().Type() != fs.ModeSymlink || target != "./apps//web/" {
		t.Errorf("stat says %v, lstat %v, readlink %q", followed, link, target)
	}
}

func TestTreeSaysWhatCannotBeRead(t *testing.T) {
	tree := treeOf(t, git.Options{MaxFileSize: 2 << 10}, gitserver.Commit{
		Files: map[string]string{
			"apps/x/ok.yaml": "ok\n",
			"apps/big.yaml":  strings.Repeat("#", 3<<10),
			"apps/odd.yaml":  strings.Repeat("#", 2<<10+1),
			"apps/max.yaml":  strings.Repeat("#", 2<<10),
		},
		Symlinks: map[string]string{
			"apps/x/evil.yaml": "../../../etc/passwd",
			"apps/x/abs.yaml":  "/etc/passwd",
			"apps/x/out":       "../../..",
			"apps/x/home":      "../../../infra/apps",
			"apps/x/via":       "evil.yaml",
			"apps/x/self":      "self",
			"apps/x/ping":      "pong",
			"apps/x/pong":      "ping",
			"apps/x/dangling":  "nowhere.yaml",
			"apps/x/through":   "ok.yaml/more",
			"apps/x/long":      strings.Repeat("a/", 3000),
		},
		Submodules: map[string]string{"vendor/lib": strings.Repeat("1", 40)},
	})
	for _, test := range []struct {
		name, file, want string
	}{
		{"a symlink out by ..", "apps/x/evil.yaml", "open apps/x/evil.yaml: symlink to ../../../etc/passwd leaves the repository"},
		{"a symlink out by an absolute path", "apps/x/abs.yaml", "open apps/x/abs.yaml: symlink to /etc/passwd leaves the repository"},
		{"a symlink out in the middle of a path", "apps/x/out/etc/passwd", "open apps/x/out/etc/passwd: apps/x/out: symlink to ../../.. leaves the repository"},
		{"a symlink out and in again", "apps/x/home/big.yaml", "open apps/x/home/big.yaml: apps/x/home: symlink to ../../../infra/apps leaves the repository"},
		{"a symlink to a symlink out", "apps/x/via", "open apps/x/via: apps/x/evil.yaml: symlink to ../../../etc/passwd leaves the repository"},
		{"a symlink to itself", "apps/x/self", "open apps/x/self: more than 40 symlinks lead on from one to the next"},
		{"symlinks in a circle", "apps/x/pong", "open apps/x/pong: more than 40 symlinks lead on from one to the next"},
		{"a symlink to nothing", "apps/x/dangling", "open apps/x/dangling: symlink to nowhere.yaml: file does not exist"},
		{"a symlink into a file", "apps/x/through", "open apps/x/through: symlink to ok.yaml/more: file does not exist"},
		{"a symlink too long", "apps/x/long", "open apps/x/long: the target of the symlink is too long"},
		{"a file over the limit", "apps/big.yaml", "read apps/big.yaml: the file has 3 KiB, which is more than the limit of 2 KiB"},
		{"a file just over the limit", "apps/odd.yaml", "read apps/odd.yaml: the file has 2049 bytes, which is more than the limit of 2 KiB"},
		{"a submodule", "vendor/lib", "read vendor/lib: it is a submodule, and those are not fetched"},
		{"a file in a submodule", "vendor/lib/a.yaml", "open vendor/lib/a.yaml: vendor/lib: it is a submodule, and those are not fetched"},
		{"nothing", "apps/none.yaml", "open apps/none.yaml: file does not exist"},
		{"a file below a file", "apps/x/ok.yaml/more", "open apps/x/ok.yaml/more: file does not exist"},
		{"a folder", "apps", "read apps: it is a folder"},
		{"a path that is none", "/apps", "open /apps: invalid argument"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fs.ReadFile(tree, test.file)
			wantError(t, err, test.want)
			if absent := strings.HasSuffix(test.want, "does not exist"); errors.Is(err, fs.ErrNotExist) != absent {
				t.Errorf("the error counts as absence: %t, want %t", !absent, absent)
			}
		})
	}

	if _, err := fs.ReadFile(tree, "apps/max.yaml"); err != nil {
		t.Errorf("a file of exactly the limit: %v", err)
	}
	if info, err := fs.Stat(tree, "apps/big.yaml"); err != nil || info.Size() != 3<<10 {
		t.Errorf("stat of a file over the limit: %v, %v; want its size", info, err)
	}
	_, err := fs.ReadDir(tree, "vendor/lib")
	wantError(t, err, "readdir vendor/lib: it is a submodule, and those are not fetched")
	_, err = fs.ReadDir(tree, "apps/max.yaml")
	wantError(t, err, "readdir apps/max.yaml: it is not a folder")
	_, err = tree.Open("vendor/lib")
	wantError(t, err, "open vendor/lib: it is a submodule, and those are not fetched")
}

func TestFingerprints(t *testing.T) {
	r := newInfra(t)
	store := newStore(t, git.Credentials{})
	_, before := fetched(t, store, onMain(r.Dir))
	r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "replicas: 3\n", "copy": "infra\n"}})
	_, after := fetched(t, store, onMain(r.Dir))

	sys := func(tree fs.FS, name string) string {
		info, err := fs.Stat(tree, name)
		must(t, err)
		return info.Sys().(string)
	}
	for _, test := range []struct {
		name, path string
		changes    bool
	}{
		{"a file that changed", "apps/web.yaml", true},
		{"a file that didn't", "README.md", false},
		{"a folder with the file", "apps", true},
		{"the root", ".", true},
		{"a folder beside it", "apps/db", false},
	} {
		if changed := sys(before, test.path) != sys(after, test.path); changed != test.changes {
			t.Errorf("%s: its fingerprint changed: %t, want %t", test.name, changed, test.changes)
		}
	}
	if sys(after, "copy") != sys(after, "README.md") {
		t.Error("two files with the same content have different fingerprints")
	}
}

func TestTreeMayBeReadByMany(t *testing.T) {
	r := newInfra(t)
	content := map[string]string{}
	for _, folder := range []string{"a", "b", "c", "d"} {
		for _, file := range []string{"1", "2", "3", "4"} {
			content[folder+"/"+file] = strings.Repeat(folder+file+"\n", 2000)
		}
	}
	r.commit(gitserver.Commit{Files: content})
	r.git("gc", "--quiet", "--aggressive") // so that there are deltas to apply
	url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
	store := newStore(t, git.Credentials{})
	revision, tree := fetched(t, store, onMain(url))

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for name, want := range content {
				if got, err := fs.ReadFile(tree, name); err != nil || string(got) != want {
					t.Errorf("%s: %v, or other content than expected", name, err)
				}
			}
			if err := fs.WalkDir(tree, ".", func(_ string, e fs.DirEntry, err error) error {
				if err == nil {
					_, err = e.Info()
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := store.Tree(t.Context(), "infra", onMain(url), revision); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
