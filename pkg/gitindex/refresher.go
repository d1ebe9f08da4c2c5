package gitindex

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// Refresher keeps an Index up to date with a set of sources. Its methods may
// be called from any goroutine. The Fetcher and the Renderer are called from
// many goroutines at a time, the Fetcher from one for each source.
//
// What the Index has:
//
//   - nil, until SetSources was called and Run runs; then until each source
//     was tried once (its every location came from the disk cache, or a look
//     at it ended, well or not), or StartTimeout has passed;
//   - from then on a snapshot of the last good objects of all sources. It
//     holds less than Git declares while a source or location has never been
//     loaded, and Snapshot.Incomplete names those;
//   - nil again as long as there are sources but none was ever loaded. With
//     no sources at all it is an empty snapshot.
//
// Nothing that goes wrong takes a declaration away: a source that can't be
// fetched and a location that can't be rendered keep their last good objects,
// and their states say what is wrong. Only SetSources and Git do.
//
// An object's Origin.Revision is the newest revision that is known to declare
// it so: it moves on with the source even where its inputs did not change.
// Objects that are kept because of an error keep their revision too.
type Refresher struct {
	index    *Index
	fetcher  Fetcher
	renderer Renderer
	cache    *DiskCache
	log      logr.Logger
	options  Options
	clock    clock.WithDelayedExecution

	slots     chan struct{} // held by each rendering under way
	changed   chan struct{} // wakes the publisher
	published chan struct{} // wakes the keeper
	latest    Index         // the newest snapshot, usable or not
	ready     atomic.Bool

	mu         sync.Mutex
	watches    map[string]*watch
	configured bool         // SetSources was called
	overdue    bool         // StartTimeout has passed
	rebuild    bool         // objects changed since the last publish
	removed    []string     // sources whose cache files are to be deleted
	sweep      bool         // cache files that no source has are to be deleted
	start      func(*watch) // starts polling; nil unless Run runs
	ran        bool
}

// NewRefresher returns a refresher that publishes to index. A nil cache keeps
// nothing on disk.
func NewRefresher(index *Index, fetcher Fetcher, renderer Renderer, cache *DiskCache, log logr.Logger, options Options) *Refresher {
	options = options.withDefaults()
	return &Refresher{
		index:     index,
		fetcher:   fetcher,
		renderer:  renderer,
		cache:     cache,
		log:       log,
		options:   options,
		clock:     options.Clock,
		slots:     make(chan struct{}, max(2, runtime.GOMAXPROCS(0))), // 2: a slow one is not alone
		changed:   make(chan struct{}, 1),
		published: make(chan struct{}, 1),
		watches:   map[string]*watch{},
	}
}

// SetSources replaces the set of sources, before Run or while it runs. Added
// ones are looked at at once. Removed ones, and removed locations, leave the
// snapshot at once. Changed ones keep their objects until the look that
// follows replaces them; unchanged ones are left alone. Of sources with the
// same name the first counts.
//
// The first call ends the wait for a set of sources, so it should have all
// that are known: files and CRDs, and what the agents were found to use.
func (r *Refresher) SetSources(sources []Source) {
	wanted := map[string]Source{}
	for _, source := range sources {
		if _, ok := wanted[source.Name]; ok {
			r.log.Info("two sources have the same name, the second is left out", "source", source.Name)
			continue
		}
		source.Locations = slices.Clone(source.Locations)
		wanted[source.Name] = source
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	changed := !r.configured
	r.configured = true
	for name, w := range r.watches {
		if _, ok := wanted[name]; !ok && !w.removed {
			r.remove(w)
			changed = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		changed = r.put(wanted[name]) || changed
	}
	if changed {
		r.rebuild = true
		wake(r.changed)
	}
}

// remove takes a source out. Its polling forgets it.
func (r *Refresher) remove(w *watch) {
	w.removed = true
	w.cancel()
	wake(w.redefined)
	r.log.Info("source is gone: what it declared is undeclared from now on", "source", w.state.Source.Name, "objects", w.state.objects())
	if r.cache != nil {
		r.removed = append(r.removed, w.state.Source.Name)
	}
}

// put adds or changes a source, and reports whether that was needed.
func (r *Refresher) put(source Source) bool {
	w, ok := r.watches[source.Name]
	switch {
	case !ok:
		w = newWatch(source)
		r.watches[source.Name] = w
		if r.start != nil {
			r.start(w)
		}
	case w.removed:
		w.removed = false
		w.define(SourceState{}, source)
	case w.state.Source.sameLook(source):
		return w.note(source)
	default:
		w.define(w.state, source)
	}
	return true
}

// Refresh asks for a look at a source as soon as MinGap allows. Many calls
// make one look, which starts after the last of them. A name that is not
// among the sources is ignored.
func (r *Refresher) Refresh(source string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.watches[source]; ok {
		wake(w.asked)
	}
}

// Ready reports whether the refresher has done what it can to have a first
// snapshot: each source was tried once, or StartTimeout has passed. It stays
// true. The Index may have nothing even so, if no source could be loaded.
func (r *Refresher) Ready() bool { return r.ready.Load() }

// Latest is the newest snapshot, or nil before the first. It is the Index's
// own, except that it is also there, with the state of each source, while the
// Index has none. Decisions are made with the Index's.
func (r *Refresher) Latest() *Snapshot { return r.latest.Current() }

// Run looks at the sources, each at its interval or up to a tenth sooner, and
// publishes what changed, until ctx ends. It returns nil then, once all its
// goroutines have ended; a fetcher or renderer that ignores its context is
// left behind after a few seconds. It can be called once.
func (r *Refresher) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	if err := r.begin(ctx, &wg); err != nil {
		return err
	}
	wg.Go(func() { r.publishing(ctx) })
	wg.Go(func() { r.keeping(ctx) })

	<-ctx.Done()
	r.mu.Lock()
	r.start = nil
	r.mu.Unlock()
	wg.Wait()
	return nil
}

func (r *Refresher) begin(ctx context.Context, wg *sync.WaitGroup) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ran {
		return errors.New("the refresher has run already")
	}
	r.ran = true
	r.start = func(w *watch) { wg.Go(func() { r.poll(ctx, w) }) }
	for _, w := range r.watches {
		r.start(w)
	}
	return nil
}

// wake leaves a token in a channel that holds one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
