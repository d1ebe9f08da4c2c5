// Package child runs a piece of work in a process of its own, which has no
// files, no environment and a bounded share of time and memory. What it reads
// of a tree it asks its parent for, over its standard input and output.
//
// It is for what nothing inside a process can stop: a template or a program
// that comes from a repository and never ends, or grows without end.
package child

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strings"
	"time"
)

// Limits are what a child may use.
type Limits struct {
	CPU    time.Duration // of all its threads
	Memory int64         // bytes
	Reply  int64         // bytes that it may send in all
}

// LimitError says which limit a child ran into.
type LimitError struct{ what string }

func (e *LimitError) Error() string { return e.what }

// Call starts command, which has to Serve, has it handle request with the
// tree, and decodes its answer into reply. The tree is read by the calling
// goroutine alone.
func Call(ctx context.Context, command []string, limits Limits, tree fs.FS, request, reply any) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=1", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	last := &head{left: 4 << 10}
	cmd.Stderr = last
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("making a pipe to the rendering process: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("making a pipe to the rendering process: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the rendering process: %w", err)
	}
	bounded := &io.LimitedReader{R: out, N: limits.Reply}
	err = converse(gob.NewEncoder(in), gob.NewDecoder(bounded), limits, tree, request, reply)
	_ = in.Close()
	if err != nil {
		_ = cmd.Process.Kill()
	}
	ended := cmd.Wait()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("rendering was stopped: %w", context.Cause(ctx))
	}
	if bounded.N <= 0 {
		return &LimitError{fmt.Sprintf("what it comes to is larger than %d MiB: look for a loop, or split it", limits.Reply>>20)}
	}
	return explain(cmd, limits, last.text.String(), errors.Join(err, ended))
}

// signsOfNoMemory are what Go's runtime writes when it gets no more memory. In
// places it doesn't look whether it got any (the queues of its garbage
// collector): then it is the runtime itself that crashes, which a nil pointer
// in a program, a panic, never looks like.
var signsOfNoMemory = []string{
	"out of memory", "cannot allocate memory", "cannot map pages", "stack overflow",
	"failed to create new OS thread", "pthread_create failed",
	"SIGSEGV: segmentation violation\nPC=", "unexpected signal during runtime execution",
}

// explain finds out why a child ended without an answer. What it wrote is not
// shown: it may hold anything.
func explain(cmd *exec.Cmd, limits Limits, written string, err error) error {
	if state := cmd.ProcessState; state != nil && state.UserTime()+state.SystemTime() >= limits.CPU {
		return &LimitError{fmt.Sprintf("rendering takes more than %s of processor time: look for a loop in it", limits.CPU)}
	}
	for _, sign := range signsOfNoMemory {
		if strings.Contains(written, sign) {
			return &LimitError{fmt.Sprintf("rendering takes more than %d MiB of memory: look for a loop in it, or split it", limits.Memory>>20)}
		}
	}
	return fmt.Errorf("the rendering process ended without an answer: %w", err)
}

func converse(to *gob.Encoder, from *gob.Decoder, limits Limits, tree fs.FS, request, reply any) error {
	if err := to.Encode(limits); err != nil {
		return err
	}
	if err := to.Encode(request); err != nil {
		return err
	}
	for {
		var m message
		if err := from.Decode(&m); err != nil {
			return err
		}
		if m.Question == nil {
			return from.Decode(reply)
		}
		if err := to.Encode(look(tree, *m.Question)); err != nil {
			return err
		}
	}
}

// head keeps the beginning of what is written.
type head struct {
	text strings.Builder
	left int
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.left)
	h.left -= n
	h.text.Write(p[:n])
	return len(p), nil
}
