package gitindex

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"
)

// defaultInterval stands in for an interval that isn't positive.
const defaultInterval = time.Minute

// poll looks at one source again and again, until it is removed or ctx ends.
func (r *Refresher) poll(ctx context.Context, w *watch) {
	r.restore(ctx, w)
	failures := 0
	for {
		l, ok := r.open(ctx, w)
		if !ok {
			return
		}
		next := r.look(l)
		if before, after, ok := r.close(l, next); ok {
			r.report(before, after)
		}

		if next.Err != nil || unsettled(next.Locations) {
			failures++
		} else {
			failures = 0
		}
		if redefined := r.pause(ctx, l, failures); redefined {
			failures = 0
		}
	}
}

// look is one look at a source: what was asked for, and known, at its start.
type look struct {
	ctx     context.Context
	watch   *watch
	began   time.Time
	state   SourceState
	version int
	again   bool
}

// open starts a look. It returns false when there is to be no other: ctx has
// ended, or the source is removed, and is forgotten with that.
func (r *Refresher) open(ctx context.Context, w *watch) (*look, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return nil, false
	}
	if w.removed {
		delete(r.watches, w.state.Source.Name)
		r.options.Meter.Forget(w.state.Source.Name)
		return nil, false
	}
	drain(w.asked)
	drain(w.redefined)
	l := &look{watch: w, began: r.clock.Now(), state: w.state, version: w.version, again: w.again}
	l.ctx, w.cancel = context.WithCancel(ctx)
	return l, true
}

// close ends a look, and takes over what it found: ok, unless it was canceled,
// as nobody is asking any more.
func (r *Refresher) close(l *look, next SourceState) (before, after SourceState, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := l.watch
	canceled := l.ctx.Err() != nil
	w.cancel()
	if canceled {
		return before, after, false
	}

	if next.Err == nil {
		if l.again || next.Revision != l.state.Revision || !maps.Equal(next.References, l.state.References) {
			w.content++
			r.rebuild = true
		}
		w.again = unsettled(next.Locations)
	}
	if w.version == l.version {
		w.tried = true
	} else {
		next = redefine(next, w.state.Source)
		w.again = true
	}
	before, w.state = w.state, next
	wake(r.changed)
	return before, next, true
}

// unsettled reports whether a location failed for a reason that isn't in its
// files, and may pass.
func unsettled(locations []LocationState) bool {
	for _, l := range locations {
		if l.Err != nil && l.Inputs == nil {
			return true
		}
	}
	return false
}

// pause waits until the source's next look is due. It reports whether a new
// definition cut it short.
func (r *Refresher) pause(ctx context.Context, l *look, failures int) (redefined bool) {
	due := r.clock.Now().Add(r.delay(l.state.Source.Interval, failures))
	asked := l.watch.asked
	for {
		rest := due.Sub(r.clock.Now())
		if rest <= 0 {
			return false
		}
		timer := r.clock.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-l.watch.redefined:
			redefined = true
		case <-timer.C():
		case <-asked:
			timer.Stop()
			asked = nil
			due = earlier(due, l.began.Add(r.options.MinGap))
			continue
		}
		timer.Stop()
		return redefined
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// delay is the time until the next look, after so many bad ones in a row. It
// varies, so that sources that started together don't stay together.
func (r *Refresher) delay(interval time.Duration, failures int) time.Duration {
	if interval <= 0 {
		interval = defaultInterval
	}
	if failures > 0 {
		interval = r.backoff(failures)
	}
	return time.Duration((0.9 + 0.1*rand.Float64()) * float64(interval))
}

func (r *Refresher) backoff(failures int) time.Duration {
	pause := r.options.MinBackoff
	for range failures - 1 {
		if pause *= 2; pause >= r.options.MaxBackoff {
			break
		}
	}
	return min(pause, r.options.MaxBackoff)
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}
