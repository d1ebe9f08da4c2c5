package gitindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// look asks the remote for the revision, and where that is new, or the
// definition, renders what changed. It returns the source's next state, and
// leaves alone what the present one shares with published snapshots.
func (r *Refresher) look(l *look) SourceState {
	next := l.state
	next.Err = nil
	source := l.state.Source

	revision, err := r.resolve(l, source)
	if err != nil {
		next.Err = fmt.Errorf("asking for %s: %w", source.Repository.Ref, err)
		return next
	}
	if revision == l.state.Revision && !l.again {
		next.CheckedAt = l.began
		return next
	}
	tree, err := attempt(l.ctx, r, l.watch, func(ctx context.Context) (fs.FS, error) {
		return r.fetcher.Tree(ctx, source.Name, source.Repository, revision)
	})
	if err != nil {
		next.Err = fmt.Errorf("fetching %s: %w", revision.Short(), err)
		return next
	}
	next.Locations = r.renderAll(l, tree, revision)
	next.Revision = revision
	next.CheckedAt = l.began
	return next
}

func (r *Refresher) resolve(l *look, source Source) (Revision, error) {
	if l.watch.running.Load() > 0 {
		return Revision{}, errors.New("an earlier attempt has not ended yet")
	}
	revision, err := attempt(l.ctx, r, l.watch, func(ctx context.Context) (Revision, error) {
		return r.fetcher.Resolve(ctx, source.Name, source.Repository)
	})
	if err == nil && revision.Commit == "" {
		err = errors.New("the fetcher named no commit")
	}
	return revision, err
}

// renderAll renders a source's locations side by side.
func (r *Refresher) renderAll(l *look, tree fs.FS, revision Revision) []LocationState {
	next := make([]LocationState, len(l.state.Locations))
	var wg sync.WaitGroup
	for i, location := range l.state.Locations {
		wg.Go(func() { next[i] = r.render(l, tree, revision, location) })
	}
	wg.Wait()
	return next
}

// render returns the next state of a location: at the new revision, or with
// its objects as they were and the reason. A step that is left behind reads
// before still, so that is not changed.
func (r *Refresher) render(l *look, tree fs.FS, revision Revision, before LocationState) LocationState {
	after := before
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-l.ctx.Done():
		after.Err = context.Cause(l.ctx)
		return after
	}

	got, err := attempt(l.ctx, r, l.watch, func(ctx context.Context) (rendering, error) {
		if before.Inputs.Unchanged(tree) {
			return rendering{before.Objects, before.Inputs}, before.Err
		}
		objects, inputs, err := r.renderer.Render(ctx, tree, before.Location)
		return rendering{objects, inputs}, err
	})
	after.Inputs = got.inputs
	after.Err = err
	if err == nil {
		after.Revision = revision
		after.Objects = stamp(got.objects, Origin{
			Source:   l.state.Source.Name,
			URL:      Redact(l.state.Source.Repository.URL),
			Revision: revision,
			Path:     before.Location.Path,
		})
	}
	return after
}

type rendering struct {
	objects []Declared
	inputs  Inputs
}

// stamp returns the objects with the source, URL, revision and path of
// origin. The slice is new, as snapshots have the old one; what the objects
// point to is shared.
func stamp(objects []Declared, origin Origin) []Declared {
	stamped := make([]Declared, len(objects))
	for i, d := range objects {
		d.Origin.Source = origin.Source
		d.Origin.URL = origin.URL
		d.Origin.Revision = origin.Revision
		d.Origin.Path = origin.Path
		stamped[i] = d
	}
	return stamped
}
