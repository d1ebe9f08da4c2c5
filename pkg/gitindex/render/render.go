// Package render turns the files of a Git tree into the objects they declare:
// plain YAML as kubectl applies it, Kustomize, Helm and Jsonnet by their own
// libraries, and folders as Argo CD reads them.
//
// Nothing is fetched and nothing is run: what is rendered depends on the tree
// and the location alone. What would need more, a remote base, a dependency
// that nobody committed or a plugin, is refused with an error that says so.
package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Options are the settings of a Renderer. The zero value means the defaults.
type Options struct {
	// MaxObjects is how many objects one location may declare. 5,000 if zero:
	// the time that Kustomize takes grows with the square of it.
	MaxObjects int

	// MaxBytes bounds both what is read for one location and what its objects
	// come to as JSON. 32 MiB if zero.
	MaxBytes int64

	// Child is the command line that does the work of Kustomize, charts and
	// Jsonnet: OwnChild's, in a program that calls ServeChild. Without it charts
	// and Jsonnet are errors, and Kustomize runs in this process, for one
	// location at a time and without bounds.
	Child []string

	// ChildTime and ChildMemory bound each of two children that may run side
	// by side: processor time of a rendering, and bytes that it can write to. 30
	// seconds and 512 MiB if zero. Where there is no such limit, on Windows, the
	// clock bounds its time, and nothing its memory.
	ChildTime   time.Duration
	ChildMemory int64

	// KubeVersion and APIVersions are what charts take the cluster for where
	// the location says nothing. Those of Helm itself if empty; APIVersions
	// are added to them.
	KubeVersion string
	APIVersions []string
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
	if o.ChildTime <= 0 {
		o.ChildTime = 30 * time.Second
	}
	if o.ChildMemory <= 0 {
		o.ChildMemory = 512 << 20
	}
	return o
}

// Renderer renders locations by the format that each one asks for. It may be
// used by many goroutines. There is nothing to close: a child that is kept for
// more work ends after some seconds without any, and with this process.
type Renderer struct {
	options  Options
	children *children
}

var _ gitindex.Renderer = (*Renderer)(nil)

// New returns a Renderer.
func New(options Options) *Renderer {
	options = options.withDefaults()
	return &Renderer{options, newChildren(options)}
}

// Render implements gitindex.Renderer. If ctx ends early, or a child can't be
// run, there are no Inputs: the error is none of the files. The objects come in the order in which
// they are declared. Those without a name, which ask the API server for one by
// generateName, are left out: there is nothing to compare them with.
func (r *Renderer) Render(ctx context.Context, tree fs.FS, at gitindex.Location) ([]gitindex.Declared, gitindex.Inputs, error) {
	if at.Render == gitindex.Unrendered {
		return nil, gitindex.Inputs{}, fmt.Errorf("only the agent can render %s: %s", at.Path, cmp.Or(at.Build.Why, "its format is its own"))
	}
	files := newFiles(ctx, tree, at.Build, r.options.MaxBytes)
	declared, err := r.render(files, at)
	if files.err != nil {
		// What was made of the error of a file that could not be read is of
		// no interest.
		declared, err = nil, files.err
	}
	if no := (*noFault)(nil); err != nil && (ctx.Err() != nil || errors.As(err, &no)) {
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
		return nil, missing(files, at)
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
	job.decrypt(objects)
	if err := job.substitute(objects); err != nil {
		return nil, err
	}
	return declare(objects, at, r.options)
}

// objects renders a location's files.
func (r *Renderer) objects(files *files, at gitindex.Location, folder bool) ([]object, error) {
	job := &job{files: files, options: r.options, at: at, children: r.children}
	objects, err := job.objects(at, folder)
	if err != nil {
		return nil, err
	}
	return job.postRender(objects)
}

// job is the rendering of one location.
type job struct {
	files    *files
	options  Options
	at       gitindex.Location
	children *children
}

func (j *job) objects(at gitindex.Location, folder bool) ([]object, error) {
	switch at.Render {
	case gitindex.Plain:
		if folder && at.Build.Directory != nil {
			return j.directory(at)
		}
		return j.plain(at.Path, folder, nil)
	case gitindex.Kustomize:
		if !folder {
			return nil, fmt.Errorf("%s is a file, and Kustomize renders folders: name its folder, or render it as Plain", at.Path)
		}
		return j.kustomize(at.Path)
	case gitindex.Helm:
		return j.helm(at, folder)
	case gitindex.Jsonnet:
		return j.jsonnet(at, folder)
	case gitindex.Auto, "":
		return j.auto(at, folder)
	}
	return nil, fmt.Errorf("%s can't be rendered as %q: use Auto, Plain, Kustomize, Helm or Jsonnet", at.Path, at.Render)
}

// auto does as Flux does: a folder with a kustomization file is left to
// Kustomize, also if it lies below a folder that has none. Like Argo CD, it
// takes a folder with a Chart.yaml, and no kustomization file, for a chart.
func (j *job) auto(at gitindex.Location, folder bool) ([]object, error) {
	if !folder {
		return j.plain(at.Path, folder, j.kustomize)
	}
	if j.overlaid(at.Path) {
		return j.kustomize(at.Path)
	}
	if _, err := kustomization.FileIn(j.files, at.Path); !isMissing(err) {
		return j.kustomize(at.Path)
	}
	if info, err := fs.Stat(j.files, path.Join(at.Path, "Chart.yaml")); err == nil && info.Mode().IsRegular() {
		return j.helm(at, folder)
	}
	if at.Build.Directory != nil {
		return j.directory(at)
	}
	objects, err := j.plain(at.Path, folder, j.kustomize)
	if err == nil && len(objects) == 0 {
		err = j.leftOut(at.Path)
	}
	return objects, err
}
