package git_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// infra is a repository with two commits on main, in a folder that can be
// served.
type infra struct {
	*gitserver.Repository
	t             *testing.T
	root          string
	first, second string
}

const infraName = "/org/infra.git"

func newInfra(t *testing.T) *infra {
	t.Helper()
	root := t.TempDir()
	repository, err := gitserver.Init(filepath.Join(root, "org", "infra.git"))
	must(t, err)
	r := &infra{Repository: repository, t: t, root: root}
	r.first = r.commit(gitserver.Commit{Files: map[string]string{
		"README.md":       "infra\n",
		"apps/web.yaml":   "replicas: 1\n",
		"apps/db/db.yaml": "kind: DB\n",
	}})
	r.second = r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "replicas: 2\n"}})
	return r
}

func (r *infra) commit(c gitserver.Commit) string {
	r.t.Helper()
	hash, err := r.Commit(c)
	must(r.t, err)
	return hash
}

func (r *infra) git(args ...string) {
	r.t.Helper()
	_, err := r.Git(args...)
	must(r.t, err)
}

// at is the repository as a source names it.
func at(url string, ref gitindex.Ref) gitindex.Repository {
	return gitindex.Repository{URL: url, Ref: ref}
}

func onMain(url string) gitindex.Repository { return at(url, gitindex.Ref{Branch: "main"}) }

func withSecret(r gitindex.Repository) gitindex.Repository {
	r.Secret.Name = "infra"
	return r
}

// secret gives the credentials of Secret infra.
func secret(c git.Credentials) func(context.Context, gitindex.Repository) (git.Credentials, error) {
	return func(_ context.Context, repository gitindex.Repository) (git.Credentials, error) {
		if repository.Secret.Name != "infra" {
			return git.Credentials{}, errors.New("not found")
		}
		return c, nil
	}
}

func newStore(t *testing.T, c git.Credentials) *git.Store {
	t.Helper()
	return git.New(filepath.Join(t.TempDir(), "store"), secret(c), git.Options{})
}

func serveHTTP(t *testing.T, r *infra, o gitserver.HTTPOptions) *gitserver.HTTPServer {
	t.Helper()
	server, err := gitserver.ServeHTTP(r.root, o)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func serveSSH(t *testing.T, r *infra, o gitserver.SSHOptions) *gitserver.SSHServer {
	t.Helper()
	server, err := gitserver.ServeSSH(r.root, o)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// serveVia serves the repository through a handler of the test's own.
func serveVia(t *testing.T, r *infra, via func(next http.Handler) http.Handler) string {
	t.Helper()
	backend, err := gitserver.Handler(r.root)
	must(t, err)
	server := httptest.NewServer(via(backend))
	t.Cleanup(server.Close)
	return server.URL + infraName
}

// fetched resolves and fetches.
func fetched(t *testing.T, store *git.Store, repository gitindex.Repository) (gitindex.Revision, fs.FS) {
	t.Helper()
	revision, err := store.Resolve(t.Context(), "infra", repository)
	must(t, err)
	tree, err := store.Tree(t.Context(), "infra", repository, revision)
	must(t, err)
	return revision, tree
}

func wantFile(t *testing.T, tree fs.FS, name, want string) {
	t.Helper()
	got, err := fs.ReadFile(tree, name)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

func wantRevision(t *testing.T, got gitindex.Revision, name, commit string) {
	t.Helper()
	if want := (gitindex.Revision{Name: name, Commit: commit}); got != want {
		t.Errorf("revision is %+v, want %+v", got, want)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %q", want)
	case err.Error() != want:
		t.Errorf("error is\n%s\nwant\n%s", err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
