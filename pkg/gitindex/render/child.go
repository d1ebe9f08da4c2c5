package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/chart"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/child"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/jsonnet"
)

// Charts and Jsonnet are programs, and a repository's own: one may loop, or
// fill the memory, and nothing in a Go process can stop it. So they run in a
// child process, which is this program again. It has no environment, asks its
// parent for each file, and the kernel ends it when it has used up its time or
// its memory.

// childArgument is the only argument of a program that is run as a child.
const childArgument = "render-child"

// OwnChild is the command line that runs this program as a child, for
// Options.Child. The program has to call ServeChild.
func OwnChild() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return []string{self, childArgument}
}

// ServeChild does a child's work if that is what the program was started for,
// by its arguments, and says how it is to exit. A program that renders calls
// it before anything else.
func ServeChild(args []string, in io.Reader, out, log io.Writer) (code int, served bool) {
	if len(args) != 1 || args[0] != childArgument {
		return 0, false
	}
	if err := child.Serve(in, out, do); err != nil {
		_, _ = fmt.Fprintln(log, err)
		return 1, true
	}
	return 0, true
}

// work is what a child is asked to do.
type work struct {
	Chart   *chart.Job
	Jsonnet *jsonnet.Job
}

type made struct {
	Chart   chart.Output
	Jsonnet jsonnet.Output
}

func do(tree fs.FS, w work) made {
	switch {
	case w.Chart != nil:
		return made{Chart: chart.Render(tree, *w.Chart)}
	case w.Jsonnet != nil:
		return made{Jsonnet: jsonnet.Evaluate(tree, *w.Jsonnet)}
	}
	return made{}
}

// maxChildren is how many children a Renderer runs side by side.
const maxChildren = 2

// children starts processes, a few at a time.
type children struct {
	command []string
	limits  child.Limits
	slots   chan struct{}
}

func newChildren(o Options) *children {
	return &children{
		command: o.Child,
		limits:  child.Limits{CPU: o.ChildTime, Memory: o.ChildMemory, Reply: 4 * o.MaxBytes},
		slots:   make(chan struct{}, maxChildren),
	}
}

// noFault is an error that no file is at fault for: trying again may help.
type noFault struct{ error }

func (e *noFault) Unwrap() error { return e.error }

var errNoChild = errors.New("this program doesn't render charts and Jsonnet")

// run has a child do work. An error is a *child.LimitError or a *noFault.
func (c *children) run(ctx context.Context, files *files, w work) (made, error) {
	var m made
	if len(c.command) == 0 {
		return m, &noFault{errNoChild}
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return m, &noFault{fmt.Errorf("rendering was stopped: %w", context.Cause(ctx))}
	}
	err := child.Call(ctx, c.command, c.limits, files, w, &m)
	if limit := (*child.LimitError)(nil); err != nil && !errors.As(err, &limit) {
		err = &noFault{err}
	}
	return m, err
}
