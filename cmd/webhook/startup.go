package main

import (
	"context"
	"runtime/debug"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// settling is how long the start may go on after the first look at Git, while
// what is watched comes in.
const settling = 30 * time.Second

// shedStart gives back what only the start needed: memory, and the pages of the
// program's file, nearly all of which its packages have touched as they were
// initialized. What is used again, the kernel maps again.
func (p *parts) shedStart(ctx context.Context) error {
	started := func(context.Context) (bool, error) { return p.refresher.Ready(), nil }
	if wait.PollUntilContextCancel(ctx, time.Second, true, started) != nil {
		return nil // ctx is over
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(settling):
	}
	debug.FreeOSMemory()
	if err := unmapProgram(); err != nil {
		p.log.Info("the program's pages stay in memory until the kernel needs it", "why", err.Error())
	}
	return nil
}
