package badsources_test

import (
	"context"
	"io/fs"
	"sync"
	"sync/atomic"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// gate holds back what comes of the steps of one source's looks: of its
// renderings, or of asking for its revision where that is what goes wrong.
type gate struct {
	source string
	asking bool

	begin, end         sync.Once
	begun, open, ended chan struct{}
}

func newGate(source string, asking bool) *gate {
	return &gate{source: source, asking: asking, begun: make(chan struct{}), open: make(chan struct{}), ended: make(chan struct{})}
}

// pass does a step. Where the gate is for it, its result waits until the gate
// is open, or nobody wants it any more.
func (g *gate) pass(ctx context.Context, source string, asking bool, step func()) {
	if g == nil || g.source != source || g.asking != asking {
		step()
		return
	}
	g.begin.Do(func() { close(g.begun) })
	step()
	select {
	case <-g.open:
	case <-ctx.Done():
	}
	g.end.Do(func() { close(g.ended) })
}

// fetcher is a real Store, with a gate.
type fetcher struct {
	*git.Store
	hasty *git.Store // for servers that don't answer anyway
	hurry sync.Map   // the sources that have one
	gate  *atomic.Pointer[gate]
}

func (f *fetcher) Resolve(ctx context.Context, source string, repository gitindex.Repository) (revision gitindex.Revision, err error) {
	store := f.Store
	if _, ok := f.hurry.Load(source); ok {
		store = f.hasty
	}
	f.gate.Load().pass(ctx, source, true, func() { revision, err = store.Resolve(ctx, source, repository) })
	return revision, err
}

// The paths of locations that have less time than others, and more.
const (
	hasty   = "loops"
	endless = "never-ends"
)

// renderer is a real Renderer, with a gate. A location's path is the name of
// its source here.
type renderer struct {
	*render.Renderer
	others map[string]*render.Renderer
	gate   *atomic.Pointer[gate]
}

func (r *renderer) Render(ctx context.Context, tree fs.FS, at gitindex.Location) (objects []gitindex.Declared, inputs gitindex.Inputs, err error) {
	by, ok := r.others[at.Path]
	if !ok {
		by = r.Renderer
	}
	r.gate.Load().pass(ctx, at.Path, false, func() { objects, inputs, err = by.Render(ctx, tree, at) })
	return objects, inputs, err
}
