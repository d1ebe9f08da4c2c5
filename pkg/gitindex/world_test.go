package gitindex_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// world is a refresher with a Git server and a renderer of its own, in a
// bubble where time passes only while everything waits.
type world struct {
	t        *testing.T
	git      *server
	renderer *renderer
	options  gitindex.Options
	cacheDir string // empty: no disk cache

	index     *gitindex.Index
	refresher *gitindex.Refresher
	stop      func()

	mu  sync.Mutex
	log []string
}

func scenario(t *testing.T, name string, play func(w *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			play(&world{t: t, git: newServer(), renderer: newRenderer(), stop: func() {}})
		})
	})
}

// prepare makes the refresher, and leaves it to the scenario to run it.
func (w *world) prepare() {
	w.index = &gitindex.Index{}
	var cache *gitindex.DiskCache
	if w.cacheDir != "" {
		cache = gitindex.NewDiskCache(w.cacheDir)
	}
	logger := funcr.New(func(_, line string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.log = append(w.log, line)
	}, funcr.Options{})
	w.refresher = gitindex.NewRefresher(w.index, w.git, w.renderer, cache, logger, w.options)
}

// run runs a new refresher, and waits until it has nothing to do.
func (w *world) run(sources ...gitindex.Source) {
	w.t.Helper()
	w.prepare()
	w.refresher.SetSources(sources)
	w.resume()
	synctest.Wait()
}

// resume runs the refresher until the scenario ends, or stop is called.
func (w *world) resume() {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.refresher.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run returned %v", err)
		}
	})
	w.t.Cleanup(w.stop)
}

// restart stops the refresher, and runs another one.
func (w *world) restart(sources ...gitindex.Source) {
	w.t.Helper()
	w.stop()
	w.run(sources...)
}

// set changes the sources.
func (w *world) set(sources ...gitindex.Source) {
	w.refresher.SetSources(sources)
	synctest.Wait()
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

const noSnapshot = "no snapshot"

// declares checks what the index declares: "Deployment web at main@c1".
func (w *world) declares(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, describe(w.index.Current())); diff != "" {
		w.t.Errorf("declared objects (-want +got):\n%s", diff)
	}
}

func describe(s *gitindex.Snapshot) []string {
	if s == nil {
		return []string{noSnapshot}
	}
	var objects []string
	for _, d := range s.All() {
		objects = append(objects, fmt.Sprintf("%s at %s", d.Key, d.Origin.Revision.Short()))
	}
	return objects
}

// reports checks the state of a source as the newest snapshot has it:
// "main@c1, 10s ago", then each error on a line of its own.
func (w *world) reports(source string, want ...string) {
	w.t.Helper()
	s := w.refresher.Latest().Source(source)
	if s == nil {
		w.t.Fatalf("there is no source %s", source)
	}
	age := "never"
	if !s.CheckedAt.IsZero() {
		age = time.Since(s.CheckedAt).String() + " ago"
	}
	got := []string{strings.TrimPrefix(s.Revision.Short()+", "+age, ", ")}
	if s.Err != nil {
		got = append(got, s.Err.Error())
	}
	for _, l := range s.Locations {
		if l.Err != nil {
			got = append(got, l.Location.Path+" at "+l.Revision.Short()+": "+l.Err.Error())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("state of %s (-want +got):\n%s", source, diff)
	}
}

// logged counts the log lines that hold a text.
func (w *world) logged(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, line := range w.log {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// source returns a source of the repository that has its name.
func source(name string, paths ...string) gitindex.Source {
	s := gitindex.Source{
		Name:       name,
		Repository: gitindex.Repository{URL: "https://git.example.com/" + name + ".git", Ref: gitindex.Ref{Branch: "main"}},
		Interval:   time.Minute,
	}
	for _, p := range paths {
		s.Locations = append(s.Locations, gitindex.Location{Path: p, Render: gitindex.Plain})
	}
	return s
}
