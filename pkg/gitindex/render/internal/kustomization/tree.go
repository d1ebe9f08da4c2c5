// Package kustomization reads a tree of kustomization files before Kustomize
// does, to refuse what Kustomize would fetch or run, and to say on which line
// of which file a fault is. It also is the file system that Kustomize then
// reads from: it has no kustomization file that was not checked here.
package kustomization

import (
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Tree is a kustomization with all that it takes in.
type Tree struct {
	Files fs.FS
	Root  *Layer // nil if it can't be read; Problem says why

	// Problem is the first fault found that Kustomize can't get over. It is
	// nil if none was found: Kustomize may still find one.
	Problem error

	// Generated tells that the root has no kustomization file.
	Generated bool

	// Deprecated and OpenAPI tell whether any kustomization file uses
	// deprecated fields, or brings its own schema.
	Deprecated, OpenAPI bool

	cache  *manifest.Cache
	layers map[layerKey]*Layer
	checks map[string][]byte // content of the kustomization files that were checked
}

// Layer is one kustomization file, and what it names.
type Layer struct {
	Dir, File string               // File is the folder itself where it has no kustomization file
	Spec      *types.Kustomization // as Kustomize decodes it, deprecated fields folded into new ones
	Node      *yaml.Node           // the file's mapping; nil if it is unusual YAML

	// What Spec's fields of the same names come to, one for one.
	Resources, Components    []Part
	Generators, Transformers []Part

	holds weight
}

// Part is what one entry of a kustomization takes in: another kustomization,
// or the documents of a file or of the entry itself.
type Part struct {
	Line      int    // of the entry in its kustomization file
	File      string // that Documents are in
	Layer     *Layer
	Documents []manifest.Document
}

type layerKey struct {
	dir     string
	plugins bool // it makes configurations of plugins, not objects
}

// Load reads the kustomization in a folder and all that it takes in, with an
// overlay and a cache that may be nil. The error is a *gitindex.RenderError if
// something is refused that Kustomize would do; a Problem is not an error of
// Load.
func Load(files fs.FS, dir string, over *Overlay, limits Limits, cache *manifest.Cache) (*Tree, error) {
	t := &Tree{Files: files, cache: cache, layers: map[layerKey]*Layer{}, checks: map[string][]byte{}}
	dir, err := resolve(files, dir)
	if err != nil {
		return nil, err
	}
	if t.Root, err = t.root(dir, over); err != nil {
		return nil, err
	}
	if t.Root == nil {
		return t, nil
	}
	return t, limits.check(t.Root)
}

func (t *Tree) problem(err error) {
	if t.Problem == nil {
		t.Problem = err
	}
}

// load returns nil without an error if the file has a Problem that leaves
// nothing to go on with.
func (t *Tree) load(key layerKey, file string, from []string, over *Overlay) (*Layer, error) {
	if known, ok := t.layers[key]; ok {
		return known, nil
	}
	t.layers[key] = nil
	data, err := fs.ReadFile(t.Files, file)
	if err != nil {
		return nil, &gitindex.RenderError{File: file, Err: manifest.Unreadable(err)}
	}
	l := &Layer{Dir: key.dir, File: file}
	if err := l.decode(data); err != nil {
		t.problem(err)
		return nil, nil
	}
	if err := manifest.CheckAliases(file, data); err != nil {
		return nil, err
	}
	return t.finish(l, key, file, data, from, over)
}

// finish takes in what a decoded layer names. The data are what Kustomize gets
// for the file, unless the overlay changes it.
func (t *Tree) finish(l *Layer, key layerKey, file string, data []byte, from []string, over *Overlay) (*Layer, error) {
	if over != nil {
		var err error
		if data, err = over.change(l); err != nil {
			return nil, err
		}
	}
	if isEmpty(l.Spec) {
		t.problem(faultf(l.File, 0, "the file says nothing: name resources in it, or delete it"))
		return nil, nil
	}
	t.Deprecated = t.Deprecated || usesDeprecated(l.Spec)
	t.OpenAPI = t.OpenAPI || len(l.Spec.OpenAPI) > 0
	l.Spec.FixKustomization()
	if err := l.checkKind(); err != nil {
		t.problem(err)
	}
	if err := l.refuse(key.plugins); err != nil {
		return nil, err
	}
	t.checks[file] = data
	t.layers[key] = l
	return l, t.loadParts(l, key, append(from, key.dir))
}

func (t *Tree) loadParts(l *Layer, key layerKey, from []string) error {
	t.checkFiles(l)
	for _, list := range []struct {
		paths []string
		parts *[]Part
		kind  partKind
	}{
		{l.Spec.Resources, &l.Resources, resourcePart},
		{l.Spec.Generators, &l.Generators, generatorPart},
		{l.Spec.Components, &l.Components, componentPart},
		{l.Spec.Transformers, &l.Transformers, transformerPart},
		{l.Spec.Validators, new([]Part), validatorPart},
	} {
		for _, p := range list.paths {
			part, err := t.part(l, p, list.kind, key.plugins, from)
			if err != nil {
				return err
			}
			*list.parts = append(*list.parts, part)
		}
	}
	l.holds = l.weigh()
	return nil
}

// FileIn returns the kustomization file of a folder. The error wraps
// fs.ErrNotExist if it has none.
func FileIn(files fs.FS, dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		if info, err := fs.Stat(files, file); err == nil && !info.IsDir() {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return "", noFile(dir)
	case 1:
		return found[0], nil
	}
	return "", faultf(found[1], 0, "the folder also has %s: keep one of them", path.Base(found[0]))
}

// IsFileName tells whether a file of this name is a kustomization file.
func IsFileName(name string) bool {
	for _, known := range konfig.RecognizedKustomizationFileNames() {
		if name == known {
			return true
		}
	}
	return false
}

// within tells whether dir is the folder parent, or below it.
func within(dir, parent string) bool {
	return parent == "." || dir == parent || strings.HasPrefix(dir, parent+"/")
}
