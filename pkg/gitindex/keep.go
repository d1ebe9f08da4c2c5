package gitindex

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
)

// restore takes a source's state from disk, before the first look at it. An
// earlier process rendered it, maybe another version of this program: so it is
// served, and rendered again at the first look. What has to be signed is
// verified first: it may have been saved when nothing had to be, or others might
// sign.
func (r *Refresher) restore(ctx context.Context, w *watch) {
	if r.cache == nil {
		return
	}
	r.mu.Lock()
	source, version := w.state.Source, w.version
	r.mu.Unlock()
	state, found, err := r.cache.load(source)
	if err == nil && found {
		state, err = r.verified(ctx, w, source, state)
		found = err == nil
	}
	if err != nil {
		r.log.Error(err, "the source's cache file is not used", "source", source.Name)
	}
	if !found {
		return
	}
	r.log.Info("source restored from disk", "source", source.Name, "revision", state.Revision.Short())
	state.CheckedAt = earlier(state.CheckedAt, r.clock.Now())
	state = redefine(state, source)
	if r.replace(w, version, state) {
		r.replace(w, version, packed(state)) // takes longer than it did to read it, so it's served before
	}
}

// replace makes this the state of a source that nobody has looked at yet, unless
// it has been redefined since it was of that version.
func (r *Refresher) replace(w *watch, version int, state SourceState) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.removed || w.version != version {
		return false
	}
	w.state, w.tried = state, state.Complete()
	r.rebuild = true
	wake(r.changed)
	return true
}

// packed is the state with its objects packed. They are new, as snapshots have
// the old ones.
func packed(state SourceState) SourceState {
	state.Locations = slices.Clone(state.Locations)
	for i := range state.Locations {
		objects := slices.Clone(state.Locations[i].Objects)
		Pack(objects)
		state.Locations[i].Objects = objects
	}
	return state
}

// verified is what of a source's saved state is signed, where that is asked for.
// Locations that are at another revision are left out if that one isn't.
func (r *Refresher) verified(ctx context.Context, w *watch, source Source, state SourceState) (SourceState, error) {
	for name, reference := range source.References {
		if reference.Verify.Mode != VerifyNothing {
			return SourceState{}, fmt.Errorf("which revision of %s it was rendered with isn't saved, so that can't be verified", name)
		}
	}
	if err := r.verify(ctx, w, source.Name, source.Repository, state.Revision); err != nil {
		return SourceState{}, fmt.Errorf("verifying %s: %w", state.Revision.Short(), err)
	}
	faults := map[Revision]error{state.Revision: nil, {}: nil}
	var errs []error
	for i, l := range state.Locations {
		err, known := faults[l.Revision]
		if !known {
			err = r.verify(ctx, w, source.Name, source.Repository, l.Revision)
			faults[l.Revision] = err
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("verifying %s at %s: %w", l.Location.Path, l.Revision.Short(), err))
			state.Locations[i] = LocationState{Location: l.Location}
		}
	}
	if len(errs) > 0 {
		r.log.Error(errors.Join(errs...), "part of the source's cache file is not used", "source", source.Name)
	}
	return state, nil
}

// keeping brings the disk cache up to date after each publish, until ctx
// ends, and once more then. Nobody waits for the disk.
func (r *Refresher) keeping(ctx context.Context) {
	if r.cache == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			r.keep()
			return
		case <-r.published:
			r.keep()
		}
	}
}

func (r *Refresher) keep() {
	work := r.unsaved()
	for _, name := range work.removed {
		if err := r.cache.remove(name); err != nil {
			r.log.Error(err, "the removed source's cache file stays", "source", name)
		}
	}
	if work.sweep {
		if err := r.cache.sweep(work.names); err != nil {
			r.log.Error(err, "cache files that no source has may stay")
		}
	}
	changed := false
	for _, f := range work.files {
		r.save(f)
		changed = changed || f.next.content != f.last.content
	}
	if changed {
		debug.FreeOSMemory() // what rendering and saving took, which the runtime would keep for long
	}
}

// unsaved is what the cache is behind with.
type unsaved struct {
	files   []cacheFile
	removed []string // sources
	sweep   bool
	names   []string // of all sources
}

// cacheFile is a file that is to be brought up to date.
type cacheFile struct {
	watch *watch
	state SourceState
	next  saved
	last  saved
}

func (r *Refresher) unsaved() unsaved {
	r.mu.Lock()
	defer r.mu.Unlock()
	work := unsaved{sweep: r.sweep}
	r.sweep = false
	for _, name := range r.removed {
		if w, ok := r.watches[name]; !ok || w.removed {
			work.removed = append(work.removed, name)
		}
	}
	r.removed = nil
	for name, w := range r.watches {
		if w.removed {
			continue
		}
		work.names = append(work.names, name)
		next := saved{content: w.content, checkedAt: w.state.CheckedAt}
		if same := next.content == w.saved.content && next.checkedAt.Equal(w.saved.checkedAt); !same && w.state.Loaded() {
			work.files = append(work.files, cacheFile{watch: w, state: w.state, next: next, last: w.saved})
		}
	}
	return work
}

// save writes a source's file. One that failed is tried again after the next
// look at the source.
func (r *Refresher) save(f cacheFile) {
	if f.next.content == f.last.content && f.last.err == nil {
		f.next.err = r.cache.touch(f.state)
	} else {
		f.next.err = r.cache.save(f.state)
	}
	if isNew(f.last.err, f.next.err) {
		r.log.Error(f.next.err, "source not saved to disk", "source", f.state.Source.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f.watch.saved = f.next
}
