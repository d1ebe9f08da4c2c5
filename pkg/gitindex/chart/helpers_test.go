package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/chart"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

const password = "s3cret-pa55word"

// redis is a chart at a version, packed.
func redis(version string) []byte {
	return tarball(map[string]string{
		"redis/Chart.yaml":          "name: redis\nversion: " + version + "\n",
		"redis/templates/cm.yaml":   "kind: ConfigMap\n",
		"redis/charts/a/Chart.yaml": "name: a\n",
	})
}

func tarball(files map[string]string) []byte {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	w := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}
		if target, link := strings.CutPrefix(files[name], "-> "); link {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, target, 0
		}
		if err := w.WriteHeader(header); err != nil {
			panic(err)
		}
		if header.Size > 0 {
			if _, err := w.Write([]byte(files[name])); err != nil {
				panic(err)
			}
		}
	}
	if w.Close() != nil || zip.Close() != nil {
		panic("a tarball in memory")
	}
	return packed.Bytes()
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

// serve serves until the test ends, and says nothing of clients that don't trust
// it.
func serve(t *testing.T, secure bool, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

// with gives the same credentials for every repository.
func with(c git.Credentials) func(context.Context, gitindex.Repository) (git.Credentials, error) {
	return func(context.Context, gitindex.Repository) (git.Credentials, error) { return c, nil }
}

func newStore(t *testing.T, c git.Credentials) *chart.Store {
	t.Helper()
	return chart.New(t.TempDir(), with(c), chart.Options{})
}

// fetched resolves and fetches.
func fetched(t *testing.T, store *chart.Store, repository gitindex.Repository) (gitindex.Revision, fs.FS) {
	t.Helper()
	revision, err := store.Resolve(t.Context(), "redis", repository)
	must(t, err)
	tree, err := store.Tree(t.Context(), "redis", repository, revision)
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

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %q", want)
	case err.Error() != want:
		t.Errorf("error is\n%s\nwant\n%s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("a secret shows in %q", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
