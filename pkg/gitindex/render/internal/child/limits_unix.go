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
	if err := bound(syscall.RLIMIT_CPU, seconds, seconds+1); err != nil {
		return fmt.Errorf("bounding processor time: %w", err)
	}
	// Data is what a process can write to, which is all that Go's heap and
	// stacks are made of. Its address space is many times larger.
	if err := bound(syscall.RLIMIT_DATA, uint64(l.Memory), uint64(l.Memory)); err != nil {
		return fmt.Errorf("bounding memory: %w", err)
	}
	return nil
}

// bound keeps a limit that is lower already: nobody may raise it.
func bound(resource int, soft, hard uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: min(now.Cur, soft), Max: min(now.Max, hard)})
}
