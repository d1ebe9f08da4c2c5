// Package child runs pieces of work in a process of its own, which has no
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
	CPU    time.Duration // of all its threads, for one request
	Memory int64         // bytes
	Reply  int64         // bytes that it may send for one request
}

// Process is a child that handles one request after another. It is not for
// use by several goroutines at a time.
type Process struct {
	cmd     *exec.Cmd
	in      io.Closer
	to      *sender
	from    *gob.Decoder
	bounded *io.LimitedReader
	written *head // to standard error
	limits  Limits

	foresight foresight

	used   time.Duration // processor time, before the present request
	served bool          // a request
	worn   bool          // it can't be promised the limits for one more request
	ended  bool
}

// Start starts command, which has to Serve.
func Start(command []string, limits Limits) (*Process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=1", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	written := &head{left: 4 << 10}
	cmd.Stderr = written
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to the rendering process: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to the rendering process: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the rendering process: %w", err)
	}
	bounded := &io.LimitedReader{R: out}
	return &Process{
		cmd: cmd, in: in, to: newSender(in), from: gob.NewDecoder(bounded),
		bounded: bounded, written: written, limits: limits,
	}, nil
}

// Call has the child handle a request about a folder of the tree, and decodes
// its answer into reply. The tree is read by the calling goroutine alone. The
// process has ended after an error, and when ctx ends.
//
// What the child was told ahead counts as looked at once it has said that it made
// use of it. One that has served and ends with an error may have said too little:
// its error is no answer then, and another child has to be asked, which is told
// nothing ahead.
func (p *Process) Call(ctx context.Context, tree fs.FS, folder string, request, reply any) error {
	p.bounded.N = p.limits.Reply
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	returned := false
	defer func() {
		if !returned { // the tree panicked
			stop()
			p.End()
		}
	}()
	ahead := p.foresight.ahead(tree, folder)
	err := p.converse(tree, folder, ahead, request, reply)
	returned = true
	if !stop() {
		p.worn = true // it is killed, or about to be
	}
	p.served = true
	if err == nil {
		return nil
	}
	ended := p.end()
	if ctx.Err() != nil {
		return fmt.Errorf("rendering was stopped: %w", context.Cause(ctx))
	}
	return p.explain(errors.Join(err, ended))
}

// Served tells whether the child has handled a request before, well or not.
func (p *Process) Served() bool { return p.served }

// Usable tells whether the child may be called once more.
func (p *Process) Usable() bool { return !p.worn && !p.ended }

// End ends the process. It may be called again.
func (p *Process) End() { _ = p.end() }

func (p *Process) end() error {
	if p.ended {
		return nil
	}
	p.ended = true
	_ = p.in.Close()
	_ = p.cmd.Process.Kill()
	return p.cmd.Wait()
}

func (p *Process) converse(tree fs.FS, folder string, ahead []foreseen, request, reply any) error {
	if !p.served {
		if err := p.to.add(p.limits); err != nil {
			return err
		}
	}
	if err := p.to.add(ahead); err != nil {
		return err
	}
	if err := p.to.send(request); err != nil {
		return err
	}
	var asked []question
	for {
		var m message
		if err := p.from.Decode(&m); err != nil {
			return err
		}
		// In their order: after one that is too much, none counts any more.
		asked = append(asked, settle(tree, ahead, m.Foreseen)...)
		if m.Question == nil {
			p.foresight = foresight{folder, asked}
			p.used, p.worn = m.Used, m.Worn
			return p.from.Decode(reply)
		}
		asked = append(asked, *m.Question)
		if err := p.to.send(look(tree, *m.Question)); err != nil {
			return err
		}
	}
}

// LimitError says which limit a child ran into.
type LimitError struct{ what string }

func (e *LimitError) Error() string { return e.what }

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
func (p *Process) explain(err error) error {
	if p.bounded.N <= 0 {
		return &LimitError{fmt.Sprintf("what it comes to is larger than %d MiB: look for a loop, or split it", p.limits.Reply>>20)}
	}
	if state := p.cmd.ProcessState; state != nil && state.UserTime()+state.SystemTime()-p.used >= p.limits.CPU {
		return &LimitError{fmt.Sprintf("rendering takes more than %s of processor time: look for a loop in it", p.limits.CPU)}
	}
	for _, sign := range signsOfNoMemory {
		if strings.Contains(p.written.text.String(), sign) {
			return &LimitError{fmt.Sprintf("rendering takes more than %d MiB of memory: look for a loop in it, or split it", p.limits.Memory>>20)}
		}
	}
	return fmt.Errorf("the rendering process ended without an answer: %w", err)
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
