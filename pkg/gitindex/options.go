package gitindex

import (
	"time"

	"k8s.io/utils/clock"
)

// Options are the settings of a Refresher. The zero value means the defaults.
type Options struct {
	// Timeout bounds each step of a look at a source by itself: asking for
	// the revision, getting its tree, rendering one location. 2 minutes if
	// zero.
	Timeout time.Duration

	// StartTimeout bounds how long the first snapshot waits for sources that
	// were not tried yet. 30 seconds if zero.
	StartTimeout time.Duration

	// MinGap is the least time between the starts of two looks at a source,
	// however often Refresh is called. 5 seconds if zero.
	MinGap time.Duration

	// MinBackoff and MaxBackoff are the first and the longest pause after a
	// look that went wrong; each one is twice as long as the one before.
	// 1 second and 5 minutes if zero.
	MinBackoff, MaxBackoff time.Duration

	// OnChange, if set, is called after each publish, in order and one call
	// at a time, with what Latest returns: also when only CheckedAt moved,
	// and while the Index still has nothing. No lock is held. Publishing
	// waits for it, so it should only take note.
	OnChange func(*Snapshot)

	// Meter takes note of how looks go. None if nil.
	Meter Meter

	// Clock tells the time. The real one if nil.
	Clock clock.WithDelayedExecution
}

func (o Options) withDefaults() Options {
	fallback := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	fallback(&o.Timeout, 2*time.Minute)
	fallback(&o.StartTimeout, 30*time.Second)
	fallback(&o.MinGap, 5*time.Second)
	fallback(&o.MinBackoff, time.Second)
	fallback(&o.MaxBackoff, 5*time.Minute)
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}
