package kustomization

import (
	"bytes"
	"io/fs"
	"path"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// partKind is which list of a kustomization an entry is of.
type partKind struct {
	noun         string
	file, folder bool // may it be one?
	plugins      bool // do its documents configure plugins?
}

var (
	resourcePart    = partKind{noun: "resource", file: true, folder: true}
	componentPart   = partKind{noun: "component", folder: true}
	generatorPart   = partKind{noun: "generator", file: true, folder: true, plugins: true}
	transformerPart = partKind{noun: "transformer", file: true, folder: true, plugins: true}
	validatorPart   = partKind{noun: "validator", file: true, folder: true, plugins: true}
)

// part reads what an entry names. What is remote was refused before.
func (t *Tree) part(l *Layer, entry string, kind partKind, plugins bool, from []string) (Part, error) {
	part := Part{Line: l.lineOf(entry)}
	if kind.plugins && isInline(entry) {
		part.File = l.File
		part.Documents = l.inlineDocuments(entry)
		return part, l.refusePlugins(l.File, part.Line, []byte(entry))
	}
	target, err := l.resolve(t.Files, entry)
	if err != nil {
		t.problem(faultf(l.File, part.Line, "%s %s: %w", kind.noun, entry, manifest.Unreadable(err)))
		return part, nil
	}
	info, err := fs.Stat(t.Files, target)
	switch {
	case err != nil:
		t.problem(l.missing(part.Line, kind.noun, entry, target, err))
		return part, nil
	case info.IsDir():
		return t.folder(l, part, entry, target, kind, plugins, from)
	case !kind.file:
		t.problem(faultf(l.File, part.Line, "%s %s is a file: name the folder of a kustomization", kind.noun, entry))
		return part, nil
	}
	if IsFileName(path.Base(target)) {
		t.problem(faultf(l.File, part.Line, "%s %s is a kustomization file: name its folder", kind.noun, entry))
		return part, nil
	}
	part.File = target
	return part, t.file(l, &part, kind.plugins || plugins)
}

func (t *Tree) file(l *Layer, part *Part, plugins bool) error {
	data, err := fs.ReadFile(t.Files, part.File)
	if err != nil {
		t.problem(faultf(l.File, part.Line, "%s: %w", part.File, manifest.Unreadable(err)))
		return nil
	}
	if err := manifest.CheckAliases(part.File, data); err != nil {
		return err
	}
	if part.Documents, err = t.cache.Documents(part.File, data); err != nil {
		t.problem(err)
	}
	if !plugins {
		return nil
	}
	return l.refusePlugins(part.File, 0, data)
}

func (t *Tree) folder(l *Layer, part Part, entry, dir string, kind partKind, plugins bool, from []string) (Part, error) {
	for _, visited := range from {
		if within(visited, dir) {
			t.problem(faultf(l.File, part.Line, "%s %s takes in %s, which this kustomization is a part of: take one of the two out",
				kind.noun, entry, visited))
			return part, nil
		}
	}
	file, err := FileIn(t.Files, dir)
	if err != nil {
		t.problem(faultf(l.File, part.Line, "%s %s: %w", kind.noun, entry, err))
		return part, nil
	}
	// The slice is cut so that siblings don't share what load appends.
	part.Layer, err = t.load(layerKey{dir, kind.plugins || plugins}, file, from[:len(from):len(from)], nil)
	if err == nil && part.Layer != nil {
		t.checkComponent(l, part, entry, kind)
	}
	return part, err
}

func (t *Tree) checkComponent(l *Layer, part Part, entry string, kind partKind) {
	isComponent := part.Layer.Spec.Kind == types.ComponentKind
	wantsComponent := kind.noun == componentPart.noun
	switch {
	case isComponent && !wantsComponent:
		t.problem(faultf(l.File, part.Line, "%s is a Component: name it under components", entry))
	case !isComponent && wantsComponent:
		t.problem(faultf(l.File, part.Line, "%s is no Component: name it under resources", entry))
	}
}

// resolve returns where a path in the kustomization file leads to.
func (l *Layer) resolve(files fs.FS, entry string) (string, error) {
	if path.IsAbs(entry) {
		return "", errAbsolute
	}
	target := path.Join(l.Dir, entry)
	if !fs.ValidPath(target) {
		return "", errOutside
	}
	info, err := fs.Stat(files, target)
	if err != nil || !info.IsDir() {
		return target, nil
	}
	return resolve(files, target)
}

// isInline tells whether Kustomize takes an entry for a configuration itself
// rather than for the path of one.
func isInline(entry string) bool {
	_, err := asKustomizeReads([]byte(entry))
	return err == nil
}

// inlineDocuments are the documents of a text within the kustomization file,
// with lines of that file.
func (l *Layer) inlineDocuments(text string) []manifest.Document {
	documents, err := manifest.Documents(l.File, append(bytes.Repeat([]byte("\n"), l.textStart(text)), text...))
	if err != nil {
		return nil
	}
	return documents
}
