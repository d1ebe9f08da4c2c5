package kustomization

import (
	"io/fs"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Patch is one entry of a kustomization's patches, with what it says.
type Patch struct {
	File      string // that the documents are in; empty if they are an overlay's
	Line      int    // of the entry in the kustomization file
	Target    *types.Selector
	Options   *types.PatchArgs
	Documents []manifest.Document
}

// StrategicPatches are those of patchesStrategicMerge.
func (t *Tree) StrategicPatches(l *Layer) []Patch {
	var all []Patch
	for _, entry := range l.Spec.PatchesStrategicMerge {
		patch := types.Patch{Path: string(entry)}
		if isInline(string(entry)) {
			patch = types.Patch{Patch: string(entry)}
		}
		all = append(all, t.patch(l, patch))
	}
	return all
}

// Patches reads a list of patches. Files that can't be read have no documents.
func (t *Tree) Patches(l *Layer, list []types.Patch) []Patch {
	all := make([]Patch, len(list))
	for i, patch := range list {
		all[i] = t.patch(l, patch)
	}
	return all
}

func (t *Tree) patch(l *Layer, patch types.Patch) Patch {
	p := Patch{File: l.File, Target: patch.Target, Options: patch.Options}
	if patch.Path == "" {
		p.Line = l.lineOf(patch.Patch)
		p.Documents = l.inlineDocuments(patch.Patch)
		if l.fromOverlay(patch.Patch) {
			p.File = ""
		}
		return p
	}
	p.Line = l.lineOf(patch.Path)
	p.File, p.Documents = t.Read(l, patch.Path)
	return p
}

// Read returns the documents of a file that a kustomization names, and where
// the file is. There are none if it can't be read.
func (t *Tree) Read(l *Layer, entry string) (string, []manifest.Document) {
	file, err := l.resolve(t.Files, entry)
	if err != nil {
		return l.File, nil
	}
	data, err := fs.ReadFile(t.Files, file)
	if err != nil {
		return file, nil
	}
	documents, _ := t.cache.Documents(file, data)
	return file, documents
}

// Each calls f for every layer once, those taken in before those that take
// them in.
func (t *Tree) Each(f func(*Layer)) {
	seen := map[*Layer]bool{}
	var visit func(*Layer)
	visit = func(l *Layer) {
		if l == nil || seen[l] {
			return
		}
		seen[l] = true
		for _, parts := range [][]Part{l.Resources, l.Generators, l.Components, l.Transformers} {
			for _, part := range parts {
				visit(part.Layer)
			}
		}
		f(l)
	}
	visit(t.Root)
}
