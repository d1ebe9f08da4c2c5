package gitserver_test

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gitonly.dev/gitonly/e2e/gitserver"
)

func TestCommits(t *testing.T) {
	r := newRepository(t, t.TempDir())
	commit := func(c gitserver.Commit) string {
		t.Helper()
		hash, err := r.Commit(c)
		must(t, err)
		return hash
	}
	first := commit(gitserver.Commit{Message: "first", Files: map[string]string{"a/b.yaml": "1", "c d.yaml": "1"}})

	for _, test := range []struct {
		name   string
		commit gitserver.Commit
		files  string
		parent string
	}{
		{"adds to what is there", gitserver.Commit{Files: map[string]string{"e": "1"}},
			"100644 a/b.yaml, 100644 c d.yaml, 100644 e", first},
		{"removes files and folders", gitserver.Commit{Remove: []string{"a"}},
			"100644 c d.yaml", first},
		{"replaces everything", gitserver.Commit{Replace: true, Files: map[string]string{"e": "1"}},
			"100644 e", first},
		{"has symlinks and submodules", gitserver.Commit{Symlinks: map[string]string{"l": "a"}, Submodules: map[string]string{"s": first}},
			"100644 a/b.yaml, 100644 c d.yaml, 120000 l, 160000 s", first},
		{"starts anew", gitserver.Commit{Orphan: true, Files: map[string]string{"e": "1"}},
			"100644 e", ""},
		{"starts another branch", gitserver.Commit{Branch: "next", Files: map[string]string{"e": "1"}},
			"100644 e", ""},
		{"builds on any commit", gitserver.Commit{Branch: "next", Parent: first, Files: map[string]string{"e": "1"}},
			"100644 a/b.yaml, 100644 c d.yaml, 100644 e", first},
	} {
		t.Run(test.name, func(t *testing.T) {
			must(t, r.SetBranch("main", first))
			hash := commit(test.commit)
			listing, err := r.Git("ls-tree", "-r", "--format=%(objectmode) %(path)", hash)
			must(t, err)
			if got := strings.ReplaceAll(strings.ReplaceAll(listing, "\n", ", "), `"`, ""); got != test.files {
				t.Errorf("the commit holds %s, want %s", got, test.files)
			}
			parents, err := r.Git("log", "-1", "--format=%P", hash)
			must(t, err)
			if parents != test.parent {
				t.Errorf("the commit's parent is %q, want %q", parents, test.parent)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	files, err := gitserver.Files(fstest.MapFS{
		"a/b.yaml":    {Data: []byte("b")},
		"c":           {Data: []byte("c")},
		".git/config": {Data: []byte("x")},
		"lib/.git":    {Data: []byte("x")},
		"lib/z":       {Data: []byte("z")},
	})
	must(t, err)
	if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != "a/b.yaml c lib/z" {
		t.Errorf("files are %s", got)
	}
}

// The real client clones, commits and pushes.
func TestServers(t *testing.T) {
	root := t.TempDir()
	r := newRepository(t, root)
	_, err := r.Commit(gitserver.Commit{Files: map[string]string{"a.yaml": "1\n"}})
	must(t, err)

	t.Run("http", func(t *testing.T) {
		server, err := gitserver.ServeHTTP(root, gitserver.HTTPOptions{})
		must(t, err)
		defer server.Close()
		cloneAndPush(t, r, server.URL+"/infra.git")
	})
	t.Run("https, with a password", func(t *testing.T) {
		server, err := gitserver.ServeHTTP(root, gitserver.HTTPOptions{TLS: true, Username: "agent", Password: "pw"})
		must(t, err)
		defer server.Close()
		ca := filepath.Join(t.TempDir(), "ca.crt")
		must(t, os.WriteFile(ca, server.CA, 0o600))
		u, err := url.Parse(server.URL + "/infra.git")
		must(t, err)
		u.User = url.UserPassword("agent", "pw")
		cloneAndPush(t, r, u.String(), "GIT_SSL_CAINFO="+ca)
	})
	t.Run("ssh", func(t *testing.T) {
		if _, err := exec.LookPath("ssh"); err != nil {
			t.Skip("needs ssh")
		}
		private, public, err := gitserver.GenerateKey()
		must(t, err)
		server, err := gitserver.ServeSSH(root, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}})
		must(t, err)
		defer server.Close()
		key, knownHosts := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "known_hosts")
		must(t, os.WriteFile(key, private, 0o600))
		must(t, os.WriteFile(knownHosts, server.KnownHosts, 0o600))
		cloneAndPush(t, r, server.URL+"/infra.git",
			"GIT_SSH_COMMAND=ssh -F /dev/null -o IdentitiesOnly=yes -o IdentityFile="+key+" -o UserKnownHostsFile="+knownHosts)
	})
}

func cloneAndPush(t *testing.T, r *gitserver.Repository, from string, env ...string) {
	t.Helper()
	work := filepath.Join(t.TempDir(), "work")
	git := func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Env = dir, append(gitserver.Env(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v: %s", args[0], err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git(t.TempDir(), "clone", "--quiet", from, work)
	must(t, os.WriteFile(filepath.Join(work, "a.yaml"), []byte(t.Name()), 0o600))
	git(work, "commit", "--quiet", "--all", "--message", "from a clone")
	git(work, "push", "--quiet")
	pushed, err := r.Git("rev-parse", "main")
	must(t, err)
	if want := git(work, "rev-parse", "HEAD"); pushed != want {
		t.Errorf("main is %s after the push, want %s", pushed, want)
	}
}

func newRepository(t *testing.T, root string) *gitserver.Repository {
	t.Helper()
	r, err := gitserver.Init(filepath.Join(root, "infra.git"))
	must(t, err)
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
