// Package render turns the files of a Git tree into the objects they declare:
// plain YAML as kubectl applies it, and Kustomize by its own library.
//
// Nothing is fetched and nothing is run: what is rendered depends on the tree
// alone. What would need more, a remote base, a Helm chart or a plugin, is
// refused with an error that says so.
package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Options are the settings of a Renderer. The zero value means the defaults.
type Options struct {
	// MaxObjects is how many objects one location may declare. 5,000 if zero:
	// the time that Kustomize takes grows with the square of it, and can't be
	// cut short.
	MaxObjects int

	// MaxBytes bounds both what is read for one location and what its objects
	// come to as JSON. 32 MiB if zero.
	MaxBytes int64
}

// maxLayers bounds how often kustomizations may take in one another: a few
// files that each name the next one twice come to any number.
const maxLayers = 2000

func (o Options) withDefaults() Options {
	if o.MaxObjects <= 0 {
		o.MaxObjects = 5_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 32 << 20
	}
	return o
}

// Renderer renders locations by the format that each one asks for. It may be
// used by many goroutines; Kustomize runs for one location at a time, since
// its library keeps the schema of Kubernetes in package variables.
type Renderer struct{ options Options }

var _ gitindex.Renderer = (*Renderer)(nil)

// New returns a Renderer.
func New(options Options) *Renderer { return &Renderer{options.withDefaults()} }

// Render implements gitindex.Renderer. If ctx ends early there are no Inputs:
// the error is none of the files. The objects come in the order in which
// they are declared. Those without a name, which ask the API server for one by
// generateName, are left out: there is nothing to compare them with.
func (r *Renderer) Render(ctx context.Context, tree fs.FS, at gitindex.Location) ([]gitindex.Declared, gitindex.Inputs, error) {
	files := newFiles(ctx, tree, at.Build, r.options.MaxBytes)
	declared, err := r.render(files, at)
	if files.err != nil {
		// What was made of the error of a file that could not be read is of
		// no interest.
		declared, err = nil, files.err
	}
	if ctx.Err() != nil && err != nil {
		return nil, nil, err
	}
	return declared, files.recorder.Inputs(), err
}

func (r *Renderer) render(files *files, at gitindex.Location) ([]gitindex.Declared, error) {
	at.Path = path.Clean(at.Path)
	if !fs.ValidPath(at.Path) {
		return nil, fmt.Errorf("the path %s is outside of the repository: name one relative to its root", at.Path)
	}
	at, err := overridden(files, at)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(files, at.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(files, at.Path)
	}
	if err != nil {
		return nil, &gitindex.RenderError{File: at.Path, Err: manifest.Unreadable(err)}
	}
	objects, err := r.objects(files, at, info.IsDir())
	if err != nil {
		return nil, err
	}
	conceal(objects, at, func(at gitindex.Location) ([]object, error) { return r.objects(files, at, info.IsDir()) })
	job := &job{files: files, options: r.options, at: at}
	if err := job.substitute(objects); err != nil {
		return nil, err
	}
	return declare(objects, at, r.options)
}

// objects renders a location's files.
func (r *Renderer) objects(files *files, at gitindex.Location, folder bool) ([]object, error) {
	job := &job{files: files, options: r.options, at: at}
	objects, err := job.objects(at.Path, at.Render, folder)
	if err != nil {
		return nil, err
	}
	return job.postRender(objects)
}

// job is the rendering of one location.
type job struct {
	files   *files
	options Options
	at      gitindex.Location
}

func (j *job) objects(at string, format gitindex.Format, folder bool) ([]object, error) {
	switch format {
	case gitindex.Plain:
		return j.plain(at, folder, nil)
	case gitindex.Kustomize:
		if !folder {
			return nil, fmt.Errorf("%s is a file, and Kustomize renders folders: name its folder, or render it as Plain", at)
		}
		return j.kustomize(at)
	case gitindex.Auto, "":
		return j.auto(at, folder)
	}
	return nil, fmt.Errorf("%s can't be rendered as %q: use Auto, Plain or Kustomize", at, format)
}

// auto does as Flux does: a folder with a kustomization file is left to
// Kustomize, also if it lies below a folder that has none.
func (j *job) auto(at string, folder bool) ([]object, error) {
	if folder {
		if j.overlaid(at) {
			return j.kustomize(at)
		}
		_, err := kustomization.FileIn(j.files, at)
		if !errors.Is(err, fs.ErrNotExist) {
			return j.kustomize(at)
		}
	}
	return j.plain(at, folder, j.kustomize)
}
