package gitindex

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// publishing publishes after each change, until ctx ends. Changes that come
// while it is busy make one snapshot.
func (r *Refresher) publishing(ctx context.Context) {
	var overdue <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-overdue:
			r.startIsOver()
		case <-r.changed:
			if overdue == nil {
				timer := r.clock.NewTimer(r.options.StartTimeout)
				defer timer.Stop()
				overdue = timer.C()
			}
		}
		r.publish()
	}
}

func (r *Refresher) startIsOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.overdue = true
	r.sweep = true
}

func (r *Refresher) publish() {
	states, rebuild, ready := r.states()
	latest := r.latest.Current()
	if latest == nil || rebuild {
		latest = NewSnapshot(states)
	} else {
		latest = latest.withSources(states)
	}
	r.latest.Publish(latest)
	if ready && usable(states) {
		r.index.Publish(latest)
	} else {
		r.index.Publish(nil)
	}
	if ready {
		r.ready.Store(true)
	}
	wake(r.published)
	if r.options.OnChange != nil {
		r.options.OnChange(latest)
	}
}

// states returns what the next snapshot is made of, in order of name, whether
// its objects differ from the last one's, and whether the start is over.
func (r *Refresher) states() (states []SourceState, rebuild, ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ready = true
	for _, w := range r.watches {
		if w.removed {
			continue
		}
		states = append(states, w.state)
		ready = ready && w.tried
	}
	slices.SortFunc(states, func(a, b SourceState) int { return cmp.Compare(a.Source.Name, b.Source.Name) })
	rebuild, r.rebuild = r.rebuild, false
	return states, rebuild, ready || r.overdue || r.ready.Load()
}

// usable reports whether a snapshot of the states says anything of what Git
// declares.
func usable(states []SourceState) bool {
	return len(states) == 0 || slices.ContainsFunc(states, func(s SourceState) bool { return s.Loaded() })
}
