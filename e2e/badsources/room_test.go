package badsources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// TestMain lets the test's own program be the child that renders.
func TestMain(m *testing.M) {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// maxHeap is the most that all of the heap may ever have come to in the test's
// own process, garbage included.
const maxHeap = 256 << 20

const (
	password = "s3cret-pa55word"
	patience = 5 * time.Minute // until a condition that doesn't come is given up on
)

// room is a running refresher, and its sources' repositories, each served by a
// handler that can be changed.
type room struct {
	t         *testing.T
	root      string
	server    *httptest.Server
	fetcher   *fetcher
	gate      atomic.Pointer[gate]
	index     *gitindex.Index
	refresher *gitindex.Refresher
	changed   chan struct{}
	stop      func()

	mu         sync.Mutex
	handlers   map[string]http.Handler // by source, where it isn't Git
	repository map[string]*gitserver.Repository
	sources    []gitindex.Source
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{
		t:          t,
		root:       t.TempDir(),
		index:      &gitindex.Index{},
		changed:    make(chan struct{}, 1),
		handlers:   map[string]http.Handler{},
		repository: map[string]*gitserver.Repository{},
	}
	backend, err := gitserver.Handler(r.root)
	r.must(err)
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), ".git/")
		r.mu.Lock()
		handler := r.handlers[name]
		r.mu.Unlock()
		if handler == nil {
			handler = backend
		}
		handler.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	t.Cleanup(r.server.CloseClientConnections) // or one that hangs holds Close up

	credentials := func(context.Context, gitindex.Repository) (git.Credentials, error) {
		return git.Credentials{Username: "agent", Password: password}, nil
	}
	r.fetcher = &fetcher{
		Store: git.New(t.TempDir(), credentials, git.Options{}),
		hasty: git.New(t.TempDir(), credentials, git.Options{Timeout: 200 * time.Millisecond}),
		gate:  &r.gate,
	}
	memory := int64(256 << 20)
	if raceDetector {
		memory *= 8 // it takes many times what it watches
	}
	renderer := &renderer{
		Renderer: render.New(render.Options{Child: render.OwnChild(), ChildTime: 5 * time.Minute, ChildMemory: memory}),
		others: map[string]*render.Renderer{
			hasty:   render.New(render.Options{Child: render.OwnChild(), ChildTime: time.Second}),
			endless: render.New(render.Options{Child: render.OwnChild(), ChildTime: time.Hour}),
		},
		gate: &r.gate,
	}
	// Only what is asked for is looked at: no interval and no pause is over
	// before the test is.
	r.refresher = gitindex.NewRefresher(r.index, r.fetcher, renderer, gitindex.NewDiskCache(t.TempDir()), logr.Discard(), gitindex.Options{
		MinGap: time.Nanosecond, MinBackoff: time.Hour, MaxBackoff: time.Hour,
		OnChange: func(*gitindex.Snapshot) {
			select {
			case r.changed <- struct{}{}:
			default:
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.refresher.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// commit makes a commit in a source's repository, which is made if needed, and
// returns the revision as messages have it.
func (r *room) commit(source string, c gitserver.Commit) string {
	r.t.Helper()
	repository := r.repository[source]
	if repository == nil {
		var err error
		repository, err = gitserver.Init(filepath.Join(r.root, source+".git"))
		r.must(err)
		r.repository[source] = repository
	}
	hash, err := repository.Commit(c)
	r.must(err)
	return "main@" + hash[:7]
}

// serve puts a handler in the place of a source's Git server; nil takes it away.
func (r *room) serve(source string, handler http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handlers[source] = handler
}

// add has the refresher look at one more source, at one location.
func (r *room) add(name string, at gitindex.Location) {
	r.sources = append(r.sources, gitindex.Source{
		Name:       name,
		Repository: gitindex.Repository{URL: r.server.URL + "/" + name + ".git", Ref: gitindex.Ref{Branch: "main"}, Secret: gitindex.SecretRef{Name: "infra"}},
		Locations:  []gitindex.Location{at},
		Interval:   time.Hour,
	})
	r.refresher.SetSources(r.sources)
}

func (r *room) remove(name string) {
	r.sources = slices.DeleteFunc(r.sources, func(s gitindex.Source) bool { return s.Name == name })
	r.refresher.SetSources(r.sources)
}

// until waits for a condition on what the refresher has published.
func (r *room) until(what string, met func() bool) {
	r.t.Helper()
	enough := time.After(patience)
	for !met() {
		select {
		case <-r.changed:
		case <-enough:
			var states []string
			for _, s := range r.refresher.Latest().Sources() {
				states = append(states, fmt.Sprintf("%s at %s: %v", s.Source.Name, s.Revision.Short(), s.Faults()))
			}
			r.t.Fatalf("never came: %s\n%s", what, strings.Join(states, "\n"))
		}
	}
}

// wait waits for something that isn't published.
func (r *room) wait(what string, c <-chan struct{}) {
	r.t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		r.t.Fatalf("never came: %s", what)
	}
}

// declared is the ConfigMap of a source's as decisions are made by it, such as
// "1 at main@4f2c1ab"; empty if there is none.
func (r *room) declared(source string) string {
	d := r.index.Current().Lookup(gitindex.Key{Kind: "ConfigMap", Namespace: "prod", Name: source})
	if d == nil {
		return ""
	}
	var object struct{ Data struct{ V string } }
	r.must(json.Unmarshal(d.Manifest.JSON(), &object))
	return object.Data.V + " at " + d.Origin.Revision.Short()
}

// configMap is a manifest that declares a value under the source's name.
func configMap(source, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: prod}\ndata: {v: %q}\n", source, value)
}

// follows has Git's value of the good source change, and waits until the index
// has it.
func (r *room) follows(value string) {
	r.t.Helper()
	want := value + " at " + r.commit("good", gitserver.Commit{Files: map[string]string{"apps/a.yaml": configMap("good", value)}})
	r.refresher.Refresh("good")
	r.until("the good source's "+want, func() bool { return r.declared("good") == want })
	if faults := r.refresher.Latest().Source("good").Faults(); faults != nil {
		r.t.Errorf("the good source is said to be at fault: %v", faults)
	}
}

// reports checks everything that is said of a source.
func (r *room) reports(source string, want ...string) {
	r.t.Helper()
	var got []string
	for _, err := range r.refresher.Latest().Source(source).Faults() {
		got = append(got, err.Error())
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s:\n got %s\nwant %s", source, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// withinBounds checks the most that the heap has come to so far.
func (r *room) withinBounds() {
	r.t.Helper()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.t.Logf("heap: %d MiB at most", m.HeapSys>>20)
	if m.HeapSys > maxHeap {
		r.t.Errorf("the heap has come to %d MiB, more than %d MiB", m.HeapSys>>20, maxHeap>>20)
	}
}
