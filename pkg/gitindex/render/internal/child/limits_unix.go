//go:build linux || darwin

package child

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"time"
)

// apply bounds the process itself. The kernel ends it at the limits; the
// garbage collector works harder before it comes to that.
func (l Limits) apply() error {
	debug.SetMemoryLimit(l.Memory * 3 / 4)
	seconds := uint64(max(1, (l.CPU+time.Second-1)/time.Second))
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds + 1}); err != nil {
		return fmt.Errorf("bounding processor time: %w", err)
	}
	// Data is what a process can write to, which is all that Go's heap and
	// stacks are made of. Its address space is many times larger.
	memory := uint64(l.Memory)
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: memory, Max: memory}); err != nil {
		return fmt.Errorf("bounding memory: %w", err)
	}
	return nil
}
