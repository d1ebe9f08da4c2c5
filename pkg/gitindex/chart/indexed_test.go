package chart_test

import (
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/chart"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// charts is a chart repository.
type charts struct {
	*httptest.Server
	index    string
	files    map[string][]byte // by path
	password string            // of user agent; empty for none

	mu    sync.Mutex
	asked []string
}

// index is as helm writes it, with another chart before and one after.
func index(versions ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nentries:\n  aaa:\n  - version: 9.9.9\n    description: |\n      redis:\n      - version: 6.6.6\n  redis:\n")
	for _, version := range versions {
		fmt.Fprintf(&b, "  - apiVersion: v2\n    description: |-\n      a store\n\n    digest: %s\n    urls:\n    - charts/redis-%s.tgz\n    version: %s\n", sum(redis(version)), version, version)
	}
	b.WriteString("  zzz:\n  - version: 9.9.9\ngenerated: \"2026-01-01T00:00:00Z\"\n")
	return b.String()
}

func serveCharts(t *testing.T, tls bool, index string, versions ...string) *charts {
	t.Helper()
	c := &charts{index: index, files: map[string][]byte{}}
	for _, version := range versions {
		c.files["/stable/charts/redis-"+version+".tgz"] = redis(version)
	}
	c.Server = serve(t, tls, c.answer)
	return c
}

func (c *charts) answer(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, req.Method+" "+req.URL.Path)
	if user, got, _ := req.BasicAuth(); c.password != "" && (user != "agent" || got != c.password) {
		http.Error(w, "hunter2", http.StatusUnauthorized)
		return
	}
	if req.URL.Path == "/stable/index.yaml" {
		tag := `"` + sum([]byte(c.index)) + `"`
		w.Header().Set("Etag", tag)
		if req.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(c.index))
		return
	}
	data, ok := c.files[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(data)
}

func (c *charts) at(version string) gitindex.Repository {
	return gitindex.Repository{URL: c.URL + "/stable", Chart: "redis", Ref: gitindex.Ref{SemVer: version}}
}

func TestAChartComesFromARepository(t *testing.T) {
	versions := []string{"1.9.0", "1.10.0", "2.0.0-rc.1", "1.2.3+build"}
	c := serveCharts(t, false, index(versions...), versions...)
	for _, test := range []struct{ name, ref, want string }{
		{"a version", "1.9.0", "1.9.0"},
		{"a version in another spelling", "v1.9.0", "1.9.0"},
		{"a range takes the highest, by version and not by name", "1.*", "1.10.0"},
		{"no version is the newest that is no prerelease", "", "1.10.0"},
		{"a prerelease by its name", "2.0.0-rc.1", "2.0.0-rc.1"},
		{"a prerelease only if the range asks", ">=1.0.0-0", "2.0.0-rc.1"},
		{"a version of a build", "1.2.3+build", "1.2.3+build"},
	} {
		t.Run(test.name, func(t *testing.T) {
			revision, tree := fetched(t, newStore(t, git.Credentials{}), c.at(test.ref))
			if want := (gitindex.Revision{Name: test.want, Commit: sum(redis(test.want))}); revision != want {
				t.Errorf("revision is %+v, want %+v", revision, want)
			}
			wantFile(t, tree, "Chart.yaml", "name: redis\nversion: "+test.want+"\n")
			must(t, fstest.TestFS(tree, "Chart.yaml", "templates/cm.yaml", "charts/a/Chart.yaml"))
		})
	}
}

func TestAnIndexIsOnlyReadIfItChanged(t *testing.T) {
	c := serveCharts(t, false, index("1.0.0"), "1.0.0", "1.1.0")
	dir := t.TempDir()
	store := chart.New(dir, nil, chart.Options{})
	first, _ := fetched(t, store, c.at("1.*"))
	again, _ := fetched(t, store, c.at("1.*"))
	if first != again || first.Name != "1.0.0" {
		t.Errorf("revisions are %v and %v", first, again)
	}
	c.mu.Lock()
	c.index = index("1.0.0", "1.1.0")
	c.mu.Unlock()
	if next, _ := fetched(t, store, c.at("1.*")); next.Name != "1.1.0" {
		t.Errorf("revision is %v", next)
	}
	want := []string{"GET /stable/index.yaml", "GET /stable/index.yaml", "GET /stable/charts/redis-1.0.0.tgz", "GET /stable/index.yaml",
		"GET /stable/index.yaml", "GET /stable/index.yaml", "GET /stable/charts/redis-1.1.0.tgz"}
	if diff := cmp.Diff(want, c.asked); diff != "" {
		t.Errorf("asked differs (-want +got):\n%s", diff)
	}

	// A restart finds what is on disk, though the server be away.
	c.Close()
	tree, err := chart.New(dir, nil, chart.Options{}).Tree(t.Context(), "redis", c.at("1.*"), first)
	must(t, err)
	wantFile(t, tree, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
}

func TestAnIndexWithoutDigests(t *testing.T) {
	c := serveCharts(t, false, "apiVersion: v1\nentries:\n    redis:\n        - version: 1.0.0\n          urls: [charts/redis-1.0.0.tgz]\n", "1.0.0")
	revision, tree := fetched(t, newStore(t, git.Credentials{}), c.at("1.0.0"))
	if revision.Commit != sum(redis("1.0.0")) {
		t.Errorf("revision is %+v", revision)
	}
	wantFile(t, tree, "templates/cm.yaml", "kind: ConfigMap\n")
}

func TestAnIndexInJSON(t *testing.T) {
	c := serveCharts(t, false, `{"apiVersion": "v1", "entries": {"redis": [{"version": "1.0.0", "urls": ["`+"charts/redis-1.0.0.tgz"+`"]}]}}`, "1.0.0")
	_, tree := fetched(t, newStore(t, git.Credentials{}), c.at("1.0.0"))
	wantFile(t, tree, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
}

func TestCredentialsStayWithTheChartRepository(t *testing.T) {
	elsewhere := serveCharts(t, false, "", "1.0.0")
	c := serveCharts(t, true, strings.ReplaceAll(index("1.0.0"), "charts/redis", elsewhere.URL+"/stable/charts/redis"))
	c.password = password
	var sent []string
	elsewhere.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		sent = append(sent, req.Header.Get("Authorization"))
		elsewhere.answer(w, req)
	})
	repository := c.at("1.0.0")
	repository.Secret.Name = "charts"
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	_, tree := fetched(t, newStore(t, git.Credentials{Username: "agent", Password: password, CA: ca}), repository)
	wantFile(t, tree, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
	if diff := cmp.Diff([]string{""}, sent); diff != "" {
		t.Errorf("sent differs (-want +got):\n%s", diff)
	}
}

func TestAChartThatCannotBeHad(t *testing.T) {
	plain := serveCharts(t, false, index("1.0.0", "1.1.0"), "1.0.0")
	closed := serveCharts(t, false, index("1.0.0"), "1.0.0")
	closed.password = password
	secure := serveCharts(t, true, index("1.0.0"), "1.0.0")
	damaged := serveCharts(t, false, index("1.0.0"))
	damaged.files["/stable/charts/redis-1.0.0.tgz"] = redis("1.0.1")
	page := serveCharts(t, false, "<html>\n")
	empty := serveCharts(t, false, "apiVersion: v1\nentries: {}\n")
	none := serveCharts(t, false, "apiVersion: v1\nentries:\n  redis: []\n")
	const nameless = "apiVersion: v1\nentries:\n  redis:\n  - version: 1.0.0\n"
	bare := serveCharts(t, false, nameless)
	var large strings.Builder
	large.WriteString("apiVersion: v1\nentries:\n  redis:\n")
	for range 1000 {
		large.WriteString("  - version: 1.0.0\n")
	}
	big := serveCharts(t, false, large.String())
	away := serveCharts(t, false, "")
	away.Close()
	circle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, req.URL.Path, http.StatusFound) }))
	defer circle.Close()
	down := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer down.Close()
	other := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: down.Certificate().Raw})

	secret := func(r gitindex.Repository) gitindex.Repository { r.Secret.Name = "charts"; return r }
	at := func(url string) gitindex.Repository {
		return gitindex.Repository{URL: url + "/stable", Chart: "redis", Ref: gitindex.Ref{SemVer: "1.0.0"}}
	}
	for _, test := range []struct {
		name       string
		repository gitindex.Repository
		c          git.Credentials
		want       string // with URL for the repository's
	}{
		{"another version", plain.at("2.*"), git.Credentials{}, `no version matches "2.*" (there are 1.1.0, 1.0.0)`},
		{"no range", plain.at("newest"), git.Credentials{}, `version "newest" is not there, and is no range: write one such as ">=1.2.0 <2.0.0"`},
		{"another chart", func() gitindex.Repository { r := plain.at("1.0.0"); r.Chart = "mysql"; return r }(), git.Credentials{}, `the index doesn't have the chart`},
		{"a file that is gone", plain.at("1.1.0"), git.Credentials{}, `URL/charts/redis-1.1.0.tgz is not there`},
		{"a file that is another", damaged.at("1.0.0"), git.Credentials{},
			`the file of version 1.0.0 isn't the one that was announced: its digest is ` + sum(redis("1.0.1")) + `, and not ` + sum(redis("1.0.0"))},
		{"no credentials", closed.at("1.0.0"), git.Credentials{}, `URL/index.yaml needs credentials`},
		{"wrong credentials", secret(closed.at("1.0.0")), git.Credentials{Username: "agent", Password: "hunter2"}, `URL/index.yaml refuses the credentials: check Secret "charts"`},
		{"an unknown authority", secure.at("1.0.0"), git.Credentials{}, `the server's certificate is signed by an unknown authority: set secretRef to a Secret with its CA as ca.crt`},
		{"no index", page.at("1.0.0"), git.Credentials{}, `there is no index of charts, but something else`},
		{"an index of nothing", empty.at("1.0.0"), git.Credentials{}, `the index doesn't have the chart`},
		{"no versions", none.at("1.0.0"), git.Credentials{}, `there are no versions of it`},
		{"no file", bare.at("1.0.0"), git.Credentials{}, `the index names no file of version 1.0.0`},
		{"too many versions", big.at("1.0.0"), git.Credentials{}, `what the index says of the chart is larger than is read of one`},
		{"nobody there", away.at("1.0.0"), git.Credentials{}, `dial tcp ` + strings.TrimPrefix(away.URL, "http://") + `: connect: connection refused`},
		{"a server that leads in circles", at(circle.URL), git.Credentials{}, `the server leads on and on, last to URL/index.yaml`},
		{"a way from https to http", secret(at(down.URL)), git.Credentials{CA: other}, `the server leads to ` + plain.URL + `, which is less safe: not followed`},
		{"no URL", gitindex.Repository{URL: "git@git.example.com:org/infra", Chart: "redis"}, git.Credentials{}, `that is not the URL of a chart repository: it begins with https://, http:// or oci://`},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := chart.New(t.TempDir(), with(test.c), chart.Options{MaxIndexSize: 50_000})
			revision, err := store.Resolve(t.Context(), "redis", test.repository)
			if err == nil {
				_, err = store.Tree(t.Context(), "redis", test.repository, revision)
			}
			wantError(t, err, "fetching chart "+test.repository.Chart+" of "+test.repository.URL+": "+strings.ReplaceAll(test.want, "URL/", test.repository.URL+"/"))
		})
	}
	t.Run("nowhere to read a Secret from", func(t *testing.T) {
		_, err := chart.New(t.TempDir(), nil, chart.Options{}).Resolve(t.Context(), "redis", secret(plain.at("1.0.0")))
		wantError(t, err, "fetching chart redis of "+plain.URL+`/stable: there is nowhere to read Secret "charts" from`)
	})
}

func TestAServerThatDoesNotAnswerIsGivenUpOn(t *testing.T) {
	ended := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	defer hangs.Close()
	defer close(ended)
	repository := gitindex.Repository{URL: hangs.URL, Chart: "redis"}
	_, err := chart.New(t.TempDir(), nil, chart.Options{Timeout: 10 * time.Millisecond}).Resolve(t.Context(), "redis", repository)
	wantError(t, err, "fetching chart redis of "+hangs.URL+": the server did not answer in full within 10ms")
}

func TestAChartIsUnpackedWithinItsBounds(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
		want string // the error; empty for none
	}{
		{"a link is left out", tarball(map[string]string{"redis/Chart.yaml": "name: redis\n", "redis/link": "-> /etc/passwd"}), ""},
		{"a file beside the folder", tarball(map[string]string{"Chart.yaml": "name: redis\n"}), `the chart has a file beside its folder: "Chart.yaml"`},
		{"a file outside", tarball(map[string]string{"redis/../../a": "a"}), `it has a file outside of its folder: "redis/../../a"`},
		{"an absolute name", tarball(map[string]string{"/redis/a": "a"}), `it has a file outside of its folder: "/redis/a"`},
		{"no Chart.yaml", tarball(map[string]string{"redis/values.yaml": "a: 1\n"}), `it is no chart: there is no Chart.yaml in it`},
		{"too much in it", tarball(map[string]string{"redis/Chart.yaml": strings.Repeat("a", 200_000)}), `unpacking it: what is in it is larger than is read of one`},
		{"no tar file", []byte("a page of text"), `it is no gzipped tar file: gzip: invalid header`},
		{"too large", []byte(strings.Repeat("a", 200_000)), `the chart is larger than is read of one`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := serveCharts(t, false, strings.ReplaceAll(index("1.0.0"), sum(redis("1.0.0")), sum(test.data)))
			c.files["/stable/charts/redis-1.0.0.tgz"] = test.data
			store := chart.New(t.TempDir(), nil, chart.Options{MaxSize: 100_000, MaxUnpackedSize: 100_000})
			revision, err := store.Resolve(t.Context(), "redis", c.at("1.0.0"))
			must(t, err)
			tree, err := store.Tree(t.Context(), "redis", c.at("1.0.0"), revision)
			if test.want != "" {
				wantError(t, err, "fetching chart redis of "+c.URL+"/stable: "+test.want)
				return
			}
			must(t, err)
			if entries, err := fs.ReadDir(tree, "."); err != nil || len(entries) != 1 {
				t.Errorf("the chart has %v, %v", entries, err)
			}
		})
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	versions := []string{"1.0.0", "1.1.0", "1.2.0"}
	c := serveCharts(t, false, index(versions...), versions...)
	dir := t.TempDir()
	store := chart.New(dir, nil, chart.Options{MaxKept: 1})
	for _, version := range versions {
		fetched(t, store, c.at(version))
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("kept are %v", entries)
	}
}

func TestADamagedFileOnDiskIsFetchedAgain(t *testing.T) {
	c := serveCharts(t, false, index("1.0.0"), "1.0.0")
	dir := t.TempDir()
	revision, _ := fetched(t, chart.New(dir, nil, chart.Options{}), c.at("1.0.0"))
	must(t, os.WriteFile(dir+"/"+revision.Commit+".chart.tgz", []byte("damaged"), 0o600))
	_, tree := fetched(t, chart.New(dir, nil, chart.Options{}), c.at("1.0.0"))
	wantFile(t, tree, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
}
