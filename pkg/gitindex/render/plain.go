package render

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// plain renders a file, or every .yaml, .yml and .json file in a folder and
// below it, as kubectl apply --recursive does. Links to files are followed,
// links to folders are not.
//
// A folder below that has a kustomization file is passed to nested, or left
// out without it: its files are no manifests by themselves. A kustomization
// file in the folder itself is passed over. In files and folders whose name
// begins with a dot, where tools keep their settings, only what is a
// Kubernetes object counts; elsewhere all else is an error.
func (j *job) plain(at string, folder bool, nested func(dir string) ([]object, error)) ([]object, error) {
	if !folder {
		return j.file(at, false)
	}
	w := plainWalk{job: j, nested: nested}
	err := w.folder(at, false)
	return w.objects, err
}

type plainWalk struct {
	job     *job
	nested  func(dir string) ([]object, error)
	objects []object
}

func (w *plainWalk) folder(dir string, hidden bool) error {
	entries, err := fs.ReadDir(w.job.files, dir)
	if err != nil {
		return &gitindex.RenderError{File: dir, Err: manifest.Unreadable(err)}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		hidden := hidden || strings.HasPrefix(entry.Name(), ".")
		name := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			err = w.below(name, hidden)
		case w.isManifest(entry, name):
			err = w.add(w.job.file(name, hidden))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *plainWalk) below(dir string, hidden bool) error {
	if _, err := kustomization.FileIn(w.job.files, dir); isMissing(err) {
		return w.folder(dir, hidden)
	}
	if w.nested == nil {
		return nil
	}
	return w.add(w.nested(dir))
}

func (w *plainWalk) add(objects []object, err error) error {
	if err != nil {
		return err
	}
	w.objects = append(w.objects, objects...)
	return w.job.count(len(w.objects))
}

func (w *plainWalk) isManifest(entry fs.DirEntry, name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	if kustomization.IsFileName(entry.Name()) {
		return false
	}
	if entry.Type() == fs.ModeSymlink {
		info, err := fs.Stat(w.job.files, name)
		return err != nil || info.Mode().IsRegular()
	}
	return true
}

// file returns the objects in a file, or with lenient only those documents
// that are objects.
func (j *job) file(name string, lenient bool) ([]object, error) {
	data, err := fs.ReadFile(j.files, name)
	if err != nil {
		return nil, &gitindex.RenderError{File: name, Err: manifest.Unreadable(err)}
	}
	documents, err := manifest.Documents(name, data)
	if err != nil {
		return nil, err
	}
	var objects []object
	for i := range documents {
		if lenient && !documents[i].IsObject() {
			continue
		}
		found, err := documents[i].Objects()
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			objects = append(objects, object{fields: o.Fields, file: o.File, line: o.Line})
		}
	}
	return objects, nil
}
