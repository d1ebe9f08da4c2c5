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
// fill the memory, and nothing in a Go process can stop it. A kustomization can
// come to take that much, too. So all of them run in child processes, which are
// this program again. They have no environment, ask their parent for each file,
// and the kernel ends them when they have used up their time or their memory.

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
	if err := child.Serve(in, out, new(memory).do); err != nil {
		_, _ = fmt.Fprintln(log, err)
		return 1, true
	}
	return 0, true
}

// work is what a child is asked to do.
type work struct {
	Chart     *chart.Job
	Jsonnet   *jsonnet.Job
	Kustomize *kustomizeWork
}

type made struct {
	Chart     chart.Output
	Jsonnet   jsonnet.Output
	Kustomize kustomized
}

// do does the work.
func (m *memory) do(tree fs.FS, w work) made {
	switch {
	case w.Chart != nil:
		return made{Chart: chart.Render(tree, *w.Chart)}
	case w.Jsonnet != nil:
		return made{Jsonnet: jsonnet.Evaluate(tree, *w.Jsonnet)}
	case w.Kustomize != nil:
		return made{Kustomize: w.Kustomize.do(tree, m)}
	}
	return made{}
}

// reusable tells whether a child may do other work after this. Charts and
// Jsonnet have one of their own, as they run whatever is in a repository.
func (w *work) reusable() bool { return w.Kustomize != nil }

// folder is where the files are that it is about.
func (w *work) folder() string {
	if w.Kustomize != nil {
		return w.Kustomize.Dir
	}
	return "."
}

// noFault is an error that no file is at fault for: trying again may help.
type noFault struct{ error }

func (e *noFault) Unwrap() error { return e.error }

var errNoChild = errors.New("this program doesn't render charts and Jsonnet")

// run has a child do work. An error is a *child.LimitError or a *noFault.
func (c *children) run(ctx context.Context, files *files, w work) (made, error) {
	if len(c.command) == 0 {
		return made{}, &noFault{errNoChild}
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return made{}, &noFault{fmt.Errorf("rendering was stopped: %w", context.Cause(ctx))}
	}
	process, err := c.take(w.reusable())
	if err != nil {
		return made{}, &noFault{err}
	}
	used := process.Served()
	m, err := c.have(ctx, process, files, w)
	if err != nil && used && ctx.Err() == nil {
		// Somebody killed it, or it held what earlier work took, or it didn't say
		// what it read of what it was told: one that is new does better.
		if process, err = c.take(false); err != nil {
			return made{}, &noFault{err}
		}
		m, err = c.have(ctx, process, files, w)
	}
	if limit := (*child.LimitError)(nil); err != nil && !errors.As(err, &limit) {
		err = &noFault{err}
	}
	return m, err
}

// have has this child do work, and keeps it if it may do more.
func (c *children) have(ctx context.Context, process *child.Process, files *files, w work) (made, error) {
	var m made
	err := process.Call(ctx, files, w.folder(), w, &m)
	if err == nil && w.reusable() && !m.Kustomize.Spoilt {
		c.keep(process)
	} else {
		process.End()
	}
	return m, err
}
