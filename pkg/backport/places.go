package backport

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/backport/yamledit"
	"gitonly.dev/gitonly/pkg/gitindex"
)

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func manifestText(value any) string {
	text, err := yamledit.Write(value)
	if err != nil {
		return ""
	}
	return text
}

// proposers make the edits that may bring a field to Git, the likeliest first:
// where the field stands, or what it is in; where that can be made; where a chart
// may take it from; and a patch of its own.
func (b *bringing) proposers(field *change, declared *gitindex.Declared, target *rendering) []func() []proposal {
	places := b.places(field, declared, target)
	further := deep
	if field.gone {
		further = patch
	}
	ordered := *field
	ordered.ordered = true
	return []func() []proposal{
		func() []proposal { return b.inPlaces(field, places, near) },
		func() []proposal { return b.inPlaces(field, places, further) },
		func() []proposal { return b.inPlaces(&ordered, places, further) },
		func() []proposal { return b.inValues(field, target) },
		func() []proposal { return b.newPatches(field, declared, places) },
		func() []proposal { return b.newPatches(&ordered, declared, places) },
	}
}

// places are the files that may set the field: the one that is known to, the
// others that set something of the object, and all kustomizations, the
// location's own first.
func (b *bringing) places(field *change, declared *gitindex.Declared, target *rendering) []string {
	origin := &declared.Origin
	located, _ := origin.Locate(field.path)
	files := []string{located}
	for _, set := range slices.Backward(origin.Fields) {
		files = append(files, set.File)
	}
	files = append(files, origin.File)
	others := slices.DeleteFunc(target.files(), func(file string) bool { return !isKustomization(file) })
	slices.SortFunc(others, func(a, b string) int {
		if own := path.Clean(target.at.Path); (path.Dir(a) == own) != (path.Dir(b) == own) {
			if path.Dir(a) == own {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var places []string
	for _, file := range slices.Concat(files, others) {
		if file != "" && !slices.Contains(places, file) {
			places = append(places, file)
		}
	}
	return places
}

// read returns a file that may be edited. Links, which a patch can't go through,
// are none, and neither is what SOPS seals as a whole: its readers would find
// that something changed.
func (b *bringing) read(file string) ([]byte, bool) {
	info, err := b.tree.Lstat(file)
	if err != nil || info.Mode().Type() == fs.ModeSymlink {
		return nil, false
	}
	text, err := b.tree.ReadFile(file)
	return text, err == nil && !isSealed(text)
}

// isSealed reports whether SOPS encrypted something of a file.
func isSealed(text []byte) bool {
	if bytes.HasPrefix(text, []byte("sops_mac=")) || bytes.Contains(text, []byte("\nsops_mac=")) {
		return true
	}
	documents, _ := yamledit.Documents(text)
	return slices.ContainsFunc(documents, func(document any) bool {
		object, _ := document.(map[string]any)
		sops, _ := object["sops"].(map[string]any)
		return sops["mac"] != nil
	})
}

func (b *bringing) inPlaces(field *change, places []string, r reach) []proposal {
	key := b.object.Key
	var all []proposal
	for _, file := range places {
		text, ok := b.read(file)
		if !ok {
			continue
		}
		var texts [][]byte
		if isKustomization(file) {
			texts = field.inKustomization(key, text, r)
			all = append(all, b.generatorFiles(field, file, text)...)
		} else {
			texts = field.inManifests(key.Kind, text, r)
		}
		for _, text := range texts {
			all = append(all, proposal{file, text})
		}
	}
	return all
}

// generatorFiles are the files that a kustomization takes a ConfigMap's data
// from, with what the field has to say.
func (b *bringing) generatorFiles(field *change, file string, text []byte) []proposal {
	documents, err := yamledit.Documents(text)
	if err != nil || len(documents) == 0 {
		return nil
	}
	return slices.DeleteFunc(field.generatorFiles(b.object.Key, path.Dir(file), documents[0]), func(p proposal) bool {
		_, ok := b.read(p.file)
		return !ok
	})
}

// newPatches add a patch to the kustomizations.
func (b *bringing) newPatches(field *change, declared *gitindex.Declared, places []string) []proposal {
	names := []string{b.object.Key.Name}
	if text, ok := b.read(declared.Origin.File); ok {
		names = append(names, namesIn(text, b.object.Key.Kind)...)
	}
	var all []proposal
	for _, file := range places {
		text, ok := b.read(file)
		if !ok || !isKustomization(file) {
			continue
		}
		for _, text := range field.newPatch(b.object.Key, declared.APIVersion, names, text) {
			all = append(all, proposal{file, text})
		}
	}
	return all
}

// namesIn are the names that a file gives to objects of a kind.
func namesIn(text []byte, kind string) []string {
	documents, _ := yamledit.Documents(text)
	var names []string
	for _, document := range documents {
		object, _ := document.(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		if name, ok := metadata["name"].(string); ok && object["kind"] == kind {
			names = append(names, name)
		}
	}
	return names
}
