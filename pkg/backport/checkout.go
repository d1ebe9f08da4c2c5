package backport

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Checkout is a work tree of a repository, and what it declares.
type Checkout struct {
	renderer   gitindex.Renderer
	tree       overlay
	renderings []rendering
	others     bool // kustomizations that no source names are among the renderings
	unread     int  // of which this many were left out
}

// rendering is what a location declares.
type rendering struct {
	source  string // empty for a kustomization that no source names
	at      gitindex.Location
	objects []gitindex.Declared
	inputs  gitindex.Inputs
	err     error
}

// maxOthers bounds how many kustomizations are rendered that no source names.
const maxOthers = 300

// Read renders the locations of sources in a work tree. What can't be rendered
// is in Faults; the error is that ctx ended, or that the work tree can't be read.
func Read(ctx context.Context, renderer gitindex.Renderer, tree fs.FS, sources []gitindex.Source) (*Checkout, error) {
	c := &Checkout{renderer: renderer, tree: overlay{below: tree}}
	for _, source := range sources {
		for _, at := range source.Locations {
			at.Build.Marks = gitindex.Marks{} // the agent's own, which no file can bring
			if at.Render != gitindex.Unrendered {
				c.renderings = append(c.renderings, rendering{source: source.Name, at: at})
			}
		}
	}
	var err error
	c.renderings, err = c.render(ctx, c.tree, c.renderings)
	return c, err
}

// render renders anew what the tree has changed.
func (c *Checkout) render(ctx context.Context, tree overlay, before []rendering) ([]rendering, error) {
	after := make([]rendering, len(before))
	for i, r := range before {
		if r.inputs.Unchanged(tree) {
			after[i] = r
			continue
		}
		r.objects, r.inputs, r.err = c.renderer.Render(ctx, tree, r.at)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("rendering %s: %w", r.at.Path, context.Cause(ctx))
		}
		for j := range r.objects {
			r.objects[j].Origin.Source, r.objects[j].Origin.Path = r.source, r.at.Path
		}
		after[i] = r
	}
	return after, nil
}

// Faults are why locations can't be rendered.
func (c *Checkout) Faults() []error {
	var faults []error
	for _, r := range c.renderings {
		if r.err != nil && r.source != "" {
			faults = append(faults, fmt.Errorf("source %s, path %s: %w", r.source, r.at.Path, r.err))
		}
	}
	return faults
}

// Declared is the declaration of an object; nil if there is none.
func (c *Checkout) Declared(key gitindex.Key) *gitindex.Declared {
	if i := c.declaring(key); i >= 0 {
		return c.renderings[i].snapshot().Lookup(key)
	}
	return nil
}

// declaring is the first of a source's renderings that declares an object; -1 if
// there is none.
func (c *Checkout) declaring(key gitindex.Key) int {
	return slices.IndexFunc(c.renderings, func(r rendering) bool { return r.source != "" && r.snapshot().Lookup(key) != nil })
}

// snapshot has what the location declares.
func (r *rendering) snapshot() *gitindex.Snapshot {
	source := gitindex.Source{Name: r.source, Locations: []gitindex.Location{r.at}}
	return gitindex.NewSnapshot([]gitindex.SourceState{{
		Source: source, Locations: []gitindex.LocationState{{Location: r.at, Objects: r.objects}},
	}})
}

// readOthers renders the kustomizations that no source names and that a location
// doesn't read: other clusters may have what they share with it.
func (c *Checkout) readOthers(ctx context.Context, of *rendering) error {
	if c.others {
		return nil
	}
	c.others = true
	named := map[string]bool{}
	for _, r := range c.renderings {
		named[path.Clean(r.at.Path)] = true
	}
	var others []rendering
	err := fs.WalkDir(c.tree, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("looking for kustomizations in the work tree: %w", err)
		case entry.IsDir() && file != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !isKustomization(file) || named[path.Dir(file)] || of.reads(file):
		case len(others) == maxOthers:
			c.unread++
		default:
			others = append(others, rendering{at: gitindex.Location{Path: path.Dir(file), Render: gitindex.Kustomize}})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if others, err = c.render(ctx, c.tree, others); err != nil {
		return err
	}
	c.renderings = append(c.renderings, others...)
	return nil
}

// reads reports whether rendering the location reads a file.
func (r *rendering) reads(file string) bool {
	_, ok := r.inputs["read "+file]
	return ok
}

// files are those that rendering the location reads.
func (r *rendering) files() []string {
	var files []string
	for look := range r.inputs {
		if file, ok := strings.CutPrefix(look, "read "); ok {
			files = append(files, file)
		}
	}
	return files
}
