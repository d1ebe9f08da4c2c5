package gitindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
)

// look asks the remotes for their revisions, and where one is new, or the
// definition, renders what changed. It returns the source's next state, and
// leaves alone what the present one shares with published snapshots.
func (r *Refresher) look(l *look) SourceState {
	next := l.state
	next.Err = nil
	source := l.state.Source

	if l.watch.running.Load() > 0 {
		next.Err = fmt.Errorf("asking for %s: %w", source.Repository.Ref, errUnended)
		return next
	}
	if source.Problem != "" {
		next.Err = errors.New(source.Problem)
		return next
	}
	if source.Unrendered() {
		next.Revision = Revision{Commit: source.Seen}
		next.CheckedAt = l.began
		return next
	}
	began := r.clock.Now()
	tree := r.fetch(l, &next)
	if l.ctx.Err() != nil {
		return next // nobody is asking any more
	}
	r.options.Meter.Fetched(source.Name, r.clock.Since(began), next.Err)
	if tree != nil {
		next.Locations = r.renderAll(l, tree, next.Revision)
	}
	return next
}

// fetch asks the remotes for their revisions, and notes them in next. It returns
// the files where something has to be rendered; otherwise nil, and next has the
// error if there is one.
func (r *Refresher) fetch(l *look, next *SourceState) fs.FS {
	source := l.state.Source
	revision, err := r.resolve(l, source.Name, source.Repository)
	if err != nil {
		next.Err = fmt.Errorf("asking for %s: %w", source.Repository.Ref, err)
		return nil
	}
	if err := r.verify(l.ctx, l.watch, source.Name, source.Repository, revision); err != nil {
		next.Err = fmt.Errorf("verifying %s: %w", revision.Short(), err)
		return nil
	}
	references := map[string]Revision{}
	for _, name := range slices.Sorted(maps.Keys(source.References)) {
		if references[name], err = r.resolve(l, referenceName(source.Name, name), source.References[name]); err != nil {
			next.Err = fmt.Errorf("asking for %s of %s: %w", source.References[name].Ref, name, err)
			return nil
		}
		if err := r.verify(l.ctx, l.watch, referenceName(source.Name, name), source.References[name], references[name]); err != nil {
			next.Err = fmt.Errorf("verifying %s of %s: %w", references[name].Short(), name, err)
			return nil
		}
	}
	if revision == l.state.Revision && maps.Equal(references, l.state.References) && !l.again {
		next.CheckedAt = l.began
		return nil
	}
	tree, err := r.tree(l, source, revision, references)
	if err != nil {
		next.Err = err
		return nil
	}
	next.Revision = revision
	next.References = references
	next.CheckedAt = l.began
	return tree
}

var errUnended = errors.New("an earlier attempt has not ended yet")

// referenceName is what the fetcher knows a source's reference by.
func referenceName(source, reference string) string { return source + " " + reference }

func (r *Refresher) resolve(l *look, name string, repository Repository) (Revision, error) {
	revision, err := attempt(l.ctx, r, l.watch, func(ctx context.Context) (Revision, error) {
		return r.fetcher.Resolve(ctx, name, repository)
	})
	if err == nil && revision.Commit == "" {
		err = errors.New("the fetcher named no commit")
	}
	return revision, err
}

// verify makes sure that a revision is signed, where that is asked for. It is
// done at each look, as the keys may have changed.
func (r *Refresher) verify(ctx context.Context, w *watch, name string, repository Repository, revision Revision) error {
	if repository.Verify.Mode == VerifyNothing {
		return nil
	}
	_, err := attempt(ctx, r, w, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, r.fetcher.Verify(ctx, name, repository, revision)
	})
	return err
}

// tree is all that the source's renderings may read.
func (r *Refresher) tree(l *look, source Source, revision Revision, references map[string]Revision) (fs.FS, error) {
	fetch := func(name string, repository Repository, revision Revision) (fs.FS, error) {
		return attempt(l.ctx, r, l.watch, func(ctx context.Context) (fs.FS, error) {
			return r.fetcher.Tree(ctx, name, repository, revision)
		})
	}
	root, err := fetch(source.Name, source.Repository, revision)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", revision.Short(), err)
	}
	trees := map[string]fs.FS{}
	for name, revision := range references {
		if trees[name], err = fetch(referenceName(source.Name, name), source.References[name], revision); err != nil {
			return nil, fmt.Errorf("fetching %s of %s: %w", revision.Short(), name, err)
		}
	}
	return mount(root, trees), nil
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

	began := r.clock.Now()
	got, err := attempt(l.ctx, r, l.watch, func(ctx context.Context) (rendering, error) {
		if before.Inputs.Unchanged(tree) {
			return rendering{before.Objects, before.Inputs, true}, before.Err
		}
		objects, inputs, err := r.renderer.Render(ctx, tree, before.Location)
		return rendering{objects, inputs, false}, err
	})
	if !got.reused && l.ctx.Err() == nil {
		r.options.Meter.Rendered(l.state.Source.Name, r.clock.Since(began), err)
	}
	after.Inputs = got.inputs
	after.Err = err
	if err == nil {
		after.Revision = revision
		after.Objects = stamp(got.objects, Origin{
			Source:   l.state.Source.Name,
			URL:      Redact(l.state.Source.Repository.URL),
			Revision: revision,
			Path:     before.Location.Path,
		}, got.reused)
	}
	return after
}

type rendering struct {
	objects []Declared
	inputs  Inputs
	reused  bool // from before, as no input changed
}

// stamp returns the objects with the source, URL, revision and path of
// origin, packed. The slice is new, as snapshots have the old one; what the
// objects point to is shared, the text of reused ones too.
func stamp(objects []Declared, origin Origin, reused bool) []Declared {
	stamped := make([]Declared, len(objects))
	for i, d := range objects {
		d.Origin.Source = origin.Source
		d.Origin.URL = origin.URL
		d.Origin.Revision = origin.Revision
		d.Origin.Path = origin.Path
		stamped[i] = d
	}
	if reused {
		compress(stamped) // what was just restored may not be yet
	} else {
		Pack(stamped)
	}
	return stamped
}
