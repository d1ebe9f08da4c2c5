// Command demo shows gitonly's main job on a real API server: it builds what is
// missing, starts a cluster, a Git server and the webhook, and tells the story
// in kubectl commands and what they print.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx))
}

// run returns 0 only if every step did what it says.
func run(ctx context.Context) int {
	out := newTeller(os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	err := play(ctx, out)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		return 130
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// play sets the scene, tells the story, and on a terminal lets people look
// around until they interrupt it.
func play(ctx context.Context, out *teller) (err error) {
	dir, err := os.MkdirTemp("", "gitonly-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := set(ctx, dir, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.tell(ctx, out); err != nil {
		return err
	}
	if out.terminal {
		s.lookAround(out)
		<-ctx.Done()
	}
	return nil
}
