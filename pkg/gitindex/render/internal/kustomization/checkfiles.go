package kustomization

import (
	"io/fs"
	"regexp"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
)

// checkFiles looks for the files that a kustomization names beside its parts.
func (t *Tree) checkFiles(l *Layer) {
	for _, ref := range references(l.Spec) {
		if ref.dir || ref.noun == "patch" && isInline(ref.path) || ref.noun == "file" && ref.path != filePath(ref.text) {
			continue
		}
		line := l.lineOf(ref.text)
		target, err := l.resolve(t.Files, ref.path)
		if err != nil {
			t.problem(faultf(l.File, line, "%s %s: %w", ref.noun, ref.path, err))
			continue
		}
		info, err := fs.Stat(t.Files, target)
		if err != nil {
			t.problem(l.missing(line, ref.noun, ref.path, target, err))
		} else if info.IsDir() {
			t.problem(faultf(l.File, line, "%s %s is a folder: name a file", ref.noun, ref.path))
		}
	}
	for _, image := range l.Spec.Images {
		if _, err := regexp.Compile(image.Name); err != nil {
			t.problem(faultf(l.File, l.lineOf(image.Name), "the image %s is no name of one, nor a pattern: correct it", image.Name))
		}
	}
	for _, patch := range slices.Concat(l.Spec.Patches, l.Spec.PatchesJson6902) {
		t.checkPatch(l, patch)
	}
}

func (t *Tree) checkPatch(l *Layer, patch types.Patch) {
	switch {
	case patch.Path == "" && patch.Patch == "":
		t.problem(faultf(l.File, l.lineOfKey("patches"), "a patch has neither path nor patch: give it one of them"))
	case patch.Path != "" && patch.Patch != "":
		t.problem(faultf(l.File, l.lineOf(patch.Path), "a patch has both path and patch: keep one of them"))
	}
}

// filePath is the path in an entry of a generator's files: "key=path" or "path".
func filePath(text string) string {
	_, path := DataFile(text)
	return path
}
