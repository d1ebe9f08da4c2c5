//go:build linux || darwin

package child

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// bounds bound the process itself: the kernel signals at the soft limit of
// processor time, which is moved for each request, and kills at the hard one,
// which can't be.
type bounds struct {
	cpu       time.Duration
	soft, max uint64 // seconds that the process may have at most
}

func (l Limits) apply() (*bounds, error) {
	// Data is what a process can write to, which is all that Go's heap and
	// stacks are made of. Its address space is many times larger.
	var data syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_DATA, &data); err != nil {
		return nil, fmt.Errorf("bounding memory: %w", err)
	}
	// A limit that is lower already is kept: nobody may raise it.
	data.Cur, data.Max = min(data.Cur, uint64(l.Memory)), min(data.Max, uint64(l.Memory))
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &data); err != nil {
		return nil, fmt.Errorf("bounding memory: %w", err)
	}
	var cpu syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CPU, &cpu); err != nil {
		return nil, fmt.Errorf("bounding processor time: %w", err)
	}
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGXCPU)
	go func() {
		<-over
		os.Exit(2)
	}()
	// A process that has used up one request's share takes no more requests.
	return &bounds{cpu: l.CPU, soft: cpu.Cur, max: min(cpu.Max, seconds(2*l.CPU)+1)}, nil
}

func (b *bounds) renew() error {
	limit := &syscall.Rlimit{Cur: min(b.soft, b.max, seconds(b.used()+b.cpu)), Max: b.max}
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, limit); err != nil {
		return fmt.Errorf("bounding processor time: %w", err)
	}
	return nil
}

// used is the processor time that the process has had.
func (b *bounds) used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func seconds(d time.Duration) uint64 { return uint64(max(1, (d+time.Second-1)/time.Second)) }
