package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/child"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

// kustomize renders the kustomization in a folder as kustomize build does,
// without its network and its plugins.
func (j *job) kustomize(dir string) ([]object, error) {
	w := &kustomizeWork{Dir: dir, Flux: j.at.Build.Flux, Decryption: j.at.Build.Decryption, MaxObjects: j.options.MaxObjects}
	if j.overlaid(dir) {
		w.Overlay = j.at.Build.Kustomize
	}
	objects, err := j.children.kustomize(j.files, w)
	if limit := (*child.LimitError)(nil); errors.As(err, &limit) {
		file, missing := kustomization.FileIn(j.files, dir)
		if missing != nil {
			file = dir
		}
		err = atFile(file, 0, err)
	}
	return objects, err
}

// kustomizeWork is all that has to be known of a kustomization to render it.
type kustomizeWork struct {
	Dir        string
	Overlay    *gitindex.KustomizeBuild // laid over it; may be nil
	Flux       bool
	Decryption *gitindex.Decryption
	MaxObjects int

	// Objects, if there are any, are files that the overlay is laid over, by
	// their names. No other file is read then.
	Objects map[string][]byte
}

// kustomized is what a kustomization comes to, or what is wrong with it.
type kustomized struct {
	Objects []kustomizedObject
	Fault   *fault

	// Spoilt tells that Kustomize's package variables may not be as they were.
	Spoilt bool
}

// kustomizedObject is an object as it goes from one process to another.
type kustomizedObject struct {
	JSON      []byte
	File      string
	Line      int
	Sets      []gitindex.FieldOrigin
	Secrets   [][]any
	Generated string

	Undecrypted string
}

// fault is an error as it goes from one process to another.
type fault struct {
	Text    string
	Placed  bool // it is a *gitindex.RenderError
	File    string
	Line    int
	Missing bool // it is about a file that isn't there
}

func newFault(err error) *fault {
	f := &fault{Text: err.Error(), Missing: isMissing(err)}
	if at, placed := err.(*gitindex.RenderError); placed { //nolint:errorlint // what wraps one has a text of its own
		f.Text, f.Placed, f.File, f.Line = at.Err.Error(), true, at.File, at.Line
	}
	return f
}

func (f *fault) error() error {
	err := errors.New(f.Text)
	if f.Missing {
		err = &missingFile{f.Text}
	}
	if f.Placed {
		err = &gitindex.RenderError{File: f.File, Line: f.Line, Err: err}
	}
	return err
}

// missingFile is an error about a file that isn't there.
type missingFile struct{ text string }

func (e *missingFile) Error() string { return e.text }
func (e *missingFile) Unwrap() error { return fs.ErrNotExist }

// engine serializes what uses Kustomize within this process: its schema is a
// package variable.
var engine sync.Mutex

// here does the work in this process.
func (w *kustomizeWork) here(tree fs.FS) kustomized {
	engine.Lock()
	defer engine.Unlock()
	return w.do(tree, &memory{})
}

// kustomize has work done by a child, or where there are none by this process.
func (c *children) kustomize(files *files, w *kustomizeWork) ([]object, error) {
	var k kustomized
	if len(c.command) == 0 {
		k = w.here(files)
	} else {
		m, err := c.run(files.ctx, files, work{Kustomize: w})
		if err != nil {
			return nil, err
		}
		k = m.Kustomize
	}
	if k.Fault != nil {
		return nil, k.Fault.error()
	}
	all := make([]object, len(k.Objects))
	for i, o := range k.Objects {
		all[i] = object{file: o.File, line: o.Line, sets: o.Sets, secrets: o.Secrets, generated: o.Generated, undecrypted: o.Undecrypted}
		decoder := json.NewDecoder(bytes.NewReader(o.JSON))
		decoder.UseNumber()
		if err := decoder.Decode(&all[i].fields); err != nil {
			return nil, fmt.Errorf("decoding what Kustomize made: %w", err)
		}
	}
	return all, nil
}
