package kustomization

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// patchNamed finds the entry that Kustomize quotes, by its path or its text.
func (t *Tree) patchNamed(how, quoted string) (l *Layer, patch types.Patch, line int) {
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, patch, 0
	}
	t.Each(func(candidate *Layer) {
		for _, p := range slices.Concat(candidate.Spec.Patches, candidate.Spec.PatchesJson6902) {
			if l == nil && (how == "path" && p.Path == text || how == "patch" && trimmed(p.Patch) == trimmed(text)) {
				l, patch = candidate, p
				line = max(candidate.lineOf(p.Path), candidate.lineOf(p.Patch))
			}
		}
	})
	return l, patch, line
}

func noJSONTarget(t *Tree, _ *Layer, found []string) *gitindex.RenderError {
	l, patch, line := t.patchNamed(found[0], found[1])
	if l == nil {
		return nil
	}
	if patch.Path != "" {
		return fault(l.File, line, "patch %s is a list of JSON patch operations, and has no target: add one", patch.Path)
	}
	return fault(l.File, line, "the patch is a list of JSON patch operations, and has no target: add one")
}

func severalWithTarget(t *Tree, _ *Layer, found []string) *gitindex.RenderError {
	l, _, line := t.patchNamed(found[0], found[1])
	if l == nil {
		return nil
	}
	return fault(l.File, line, "the patch has several objects, and a target: split it, or leave out the target")
}

func noPatch(t *Tree, _ *Layer, found []string) *gitindex.RenderError {
	l, patch, line := t.patchNamed(found[0], found[1])
	if l == nil {
		return nil
	}
	file := l.File
	if patch.Path != "" {
		if file, line = l.below(patch.Path), 0; t.syntaxFault(file) != nil {
			return t.syntaxFault(file)
		}
	}
	return fault(file, line, "the patch is neither an object with apiVersion, kind and metadata.name nor a list of JSON patch operations")
}

// badOperation looks for the one operation with the path that Kustomize says.
func badOperation(t *Tree, _ *Layer, found []string) *gitindex.RenderError {
	var at *gitindex.RenderError
	count := 0
	t.Each(func(l *Layer) {
		for _, patch := range t.Patches(l, slices.Concat(l.Spec.Patches, l.Spec.PatchesJson6902)) {
			for _, d := range patch.Documents {
				for _, operation := range manifest.Items(d.Node) {
					if manifest.Text(operation, "path") == found[0] {
						count++
						at = fault(patch.File, operation.Line, "the operation can't be done: an object that the patch selects has no %s", found[0])
					}
				}
			}
		}
	})
	if count != 1 {
		return nil
	}
	return at
}

// syntaxFault is what is wrong with a file as YAML, if anything.
func (t *Tree) syntaxFault(file string) *gitindex.RenderError {
	data, err := fs.ReadFile(t.Files, file)
	if err != nil {
		return nil
	}
	var fault *gitindex.RenderError
	_, err = manifest.Documents(file, data)
	errors.As(err, &fault)
	return fault
}

func trimmed(text string) string { return strings.TrimSpace(text) }
