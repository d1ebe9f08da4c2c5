//go:build !linux && !darwin

package child

import (
	"os"
	"runtime/debug"
	"time"
)

// apply bounds the time by the clock. Nothing bounds memory here but the
// garbage collector's effort.
func (l Limits) apply() error {
	debug.SetMemoryLimit(l.Memory * 3 / 4)
	time.AfterFunc(l.CPU, func() { os.Exit(2) })
	return nil
}
