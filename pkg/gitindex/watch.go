package gitindex

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// watch is a source that is being looked at. Its fields are guarded by the
// Refresher's lock, where nothing else is said.
type watch struct {
	asked     chan struct{} // wakes polling: Refresh was called
	redefined chan struct{} // wakes polling: the definition changed, or went
	running   atomic.Int32  // steps under way, those given up on too

	state   SourceState // as the next snapshot has it; state.Source is the definition
	version int         // counts definitions
	content int         // counts changes of what the cache file has to hold, from when it was restored
	removed bool        // the source is gone; polling ends
	tried   bool        // counts as looked at
	again   bool        // the next look renders, though the revision be the same
	cancel  context.CancelFunc
	saved   saved
}

// saved is the last attempt to bring a source's cache file up to date.
type saved struct {
	content   int
	checkedAt time.Time
	err       error
}

func newWatch(source Source) *watch {
	return &watch{
		asked:     make(chan struct{}, 1),
		redefined: make(chan struct{}, 1),
		state:     redefine(SourceState{}, source),
		again:     true,
		cancel:    func() {},
	}
}

// define gives the watch a new definition, and its last good objects from
// old. A look under way at another repository is ended; one at the same
// repository is still of use.
func (w *watch) define(old SourceState, source Source) {
	if w.state.Source.Repository != source.Repository || !maps.Equal(w.state.Source.References, source.References) {
		w.cancel()
	}
	w.state = redefine(old, source)
	w.version++
	w.content++
	w.tried = false
	w.again = true
	wake(w.redefined)
}

// note takes up what a definition says beside what is looked at and rendered,
// and reports whether that is new.
func (w *watch) note(source Source) bool {
	old := w.state.Source
	w.state.Source.Recorded, w.state.Source.Of, w.state.Source.Seen = source.Recorded, source.Of, source.Seen
	if source.Seen != "" && source.Seen != old.Seen && source.Seen != w.state.Revision.Commit {
		wake(w.asked)
	}
	return old.Of != source.Of || (old.Recorded == nil) != (source.Recorded == nil) || !slices.Equal(old.Recorded, source.Recorded)
}

// redefine returns the state under another definition. Locations that go on
// keep their objects until they are rendered again.
func redefine(old SourceState, source Source) SourceState {
	state := old
	state.Source = source
	state.Locations = make([]LocationState, len(source.Locations))
	for i, location := range source.Locations {
		state.Locations[i] = carry(old.Locations, location)
	}
	return state
}

// carry finds what is known of a location. The same path for another
// namespace declares other objects, so it is another location; in another
// format it is the same one, to be rendered again.
func carry(old []LocationState, location Location) LocationState {
	i := slices.IndexFunc(old, func(l LocationState) bool { return l.Location.same(location) })
	if i < 0 {
		return LocationState{Location: location}
	}
	state := old[i]
	if !state.Location.Equal(location) {
		state.Inputs = nil
	}
	state.Location = location
	return state
}

// Complete reports whether every location has objects, or is known to have
// none.
func (s *SourceState) Complete() bool {
	if s.Source.Unrendered() {
		return true
	}
	if len(s.Locations) == 0 {
		return s.Revision != Revision{}
	}
	return !slices.ContainsFunc(s.Locations, func(l LocationState) bool { return !l.loaded() })
}

// Loaded reports whether anything is known of what the source declares.
func (s *SourceState) Loaded() bool {
	if s.Source.Recorded != nil {
		return true
	}
	return s.rendered()
}

// rendered reports whether a location was ever rendered.
func (s *SourceState) rendered() bool {
	if len(s.Locations) == 0 {
		return s.Revision != Revision{}
	}
	return slices.ContainsFunc(s.Locations, LocationState.loaded)
}

// objects is how many the source's locations declare.
func (s *SourceState) objects() int {
	n := 0
	for _, l := range s.Locations {
		n += len(l.Objects)
	}
	return n
}

func (l LocationState) loaded() bool { return l.Revision != Revision{} }
