package main

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// settling is how long the start may go on after the first look at Git, while
// what is watched comes in.
const settling = 30 * time.Second

// untried reports whether the first look at a source goes on still, which may take
// longer than others wait for it.
func untried(s gitindex.SourceState) bool { return s.Revision.Commit == "" && s.Err == nil }

// shedStart gives back what only the start needed: memory, and the pages of the
// program's file, nearly all of which its packages have touched as they were
// initialized. What is used again, the kernel maps again.
func (p *parts) shedStart(ctx context.Context) error {
	started := func(context.Context) (bool, error) {
		return p.refresher.Ready() && !slices.ContainsFunc(p.refresher.Latest().Sources(), untried), nil
	}
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
