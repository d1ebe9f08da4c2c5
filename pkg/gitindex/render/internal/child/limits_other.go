//go:build !linux && !darwin

package child

import (
	"os"
	"time"
)

// bounds bound the time of a request by the clock. Nothing bounds memory here
// but the garbage collector's effort.
type bounds struct {
	limit time.Duration
	timer *time.Timer
}

func (l Limits) apply() (*bounds, error) { return &bounds{limit: l.CPU}, nil }

func (b *bounds) renew() error {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.limit, func() { os.Exit(2) })
	}
	b.timer.Reset(b.limit)
	return nil
}

// used is not known; the clock stands still until the next request.
func (b *bounds) used() time.Duration {
	b.timer.Stop()
	return 0
}
