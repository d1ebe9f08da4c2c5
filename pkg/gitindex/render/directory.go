package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/glob"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// directory renders a folder as Argo CD renders a source of type directory:
// every .yaml, .yml, .json and .jsonnet file that the build doesn't leave out,
// hidden ones and kustomizations included. A file of YAML that isn't about
// Kubernetes is passed over, and one that asks for it.
func (j *job) directory(at gitindex.Location) ([]object, error) {
	directory := *at.Build.Directory
	names, err := j.filesOf(at.Path, directory, ".yaml", ".yml", ".json", ".jsonnet")
	if err != nil {
		return nil, err
	}
	var programs []string
	for _, name := range names {
		if path.Ext(name) == ".jsonnet" {
			programs = append(programs, name)
		}
	}
	evaluated, err := j.evaluate(at.Path, programs, at.Build.Jsonnet)
	if err != nil {
		return nil, err
	}
	var all []object
	for _, name := range names {
		found := evaluated[name]
		switch path.Ext(name) {
		case ".json":
			found, err = j.argoJSON(name)
		case ".yaml", ".yml":
			found, err = j.argoYAML(name)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if err := j.count(len(all)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// skipMarker in a file makes Argo CD pass it over.
const skipMarker = "+argocd:skip-file-rendering"

// filesOf are the files in a folder with one of the endings, in order of their
// paths. Links to files are followed, links to folders and to nothing are not.
func (j *job) filesOf(at string, directory gitindex.Directory, endings ...string) ([]string, error) {
	w := directoryWalk{job: j, root: at, flat: directory.Flat, endings: endings}
	var err error
	if w.include, err = pattern("include", directory.Include); err != nil {
		return nil, err
	}
	if w.exclude, err = pattern("exclude", directory.Exclude); err != nil {
		return nil, err
	}
	err = w.folder(at)
	return w.names, err
}

// pattern reads a glob as Argo CD does: * goes across slashes.
func pattern(what, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	matcher, err := glob.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("the pattern of files to %s, %s, can't be read (%w): correct it", what, text, err)
	}
	return matcher, nil
}

type directoryWalk struct {
	job              *job
	root             string
	flat             bool
	endings          []string
	include, exclude *regexp.Regexp
	names            []string
}

func (w *directoryWalk) folder(dir string) error {
	entries, err := fs.ReadDir(w.job.files, dir)
	if err != nil {
		return &gitindex.RenderError{File: dir, Err: manifest.Unreadable(err)}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if entry.IsDir() {
			if !w.flat {
				err = w.folder(name)
			}
		} else {
			err = w.file(entry, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *directoryWalk) file(entry fs.DirEntry, name string) error {
	if !slices.Contains(w.endings, path.Ext(name)) {
		return nil
	}
	if entry.Type() != 0 {
		if info, err := fs.Stat(w.job.files, name); err != nil || !info.Mode().IsRegular() {
			return nil
		}
	}
	relative := name
	if w.root != "." {
		relative = strings.TrimPrefix(name, w.root+"/")
	}
	if w.exclude != nil && w.exclude.MatchString(relative) || w.include != nil && !w.include.MatchString(relative) {
		return nil
	}
	data, err := fs.ReadFile(w.job.files, name)
	if err != nil {
		return &gitindex.RenderError{File: name, Err: manifest.Unreadable(err)}
	}
	if !bytes.Contains(data, []byte(skipMarker)) {
		w.names = append(w.names, name)
	}
	return nil
}

// argoYAML returns the objects of a file. If none precedes a fault, and the
// file doesn't look like one of Kubernetes, it isn't.
func (j *job) argoYAML(name string) ([]object, error) {
	data, err := fs.ReadFile(j.files, name)
	if err != nil {
		return nil, &gitindex.RenderError{File: name, Err: manifest.Unreadable(err)}
	}
	all, err := documentsOf(name, string(data))
	if err == nil || looksLikeObjects(data) {
		return all, err
	}
	return nil, nil
}

func looksLikeObjects(data []byte) bool {
	for _, field := range []string{"apiVersion:", "kind:", "metadata:"} {
		if !bytes.Contains(data, []byte(field)) {
			return false
		}
	}
	return true
}

var (
	errSeveral = errors.New("there is more than one object in the file, which Argo CD doesn't take of JSON: split it")
	errNoMap   = errors.New("this is no Kubernetes object: it isn't a map; move it elsewhere, or exclude it")
)

// argoJSON returns the object of a file, or none if it has no kind.
func (j *job) argoJSON(name string) ([]object, error) {
	data, err := fs.ReadFile(j.files, name)
	if err != nil {
		return nil, &gitindex.RenderError{File: name, Err: manifest.Unreadable(err)}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		fault := &gitindex.RenderError{File: name, Err: fmt.Errorf("invalid JSON: %w", err)}
		if at := (*json.SyntaxError)(nil); errors.As(err, &at) {
			fault.Line = 1 + bytes.Count(data[:at.Offset], []byte("\n"))
		}
		return nil, fault
	}
	fields, isMap := value.(map[string]any)
	if !isMap {
		return nil, &gitindex.RenderError{File: name, Err: errNoMap}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &gitindex.RenderError{File: name, Err: errSeveral}
	}
	if kind, _ := text(fields, "kind"); kind == "" {
		return nil, nil
	}
	found, err := manifest.ObjectsOf(name, value)
	all := make([]object, len(found))
	for i, o := range found {
		all[i] = object{fields: o.Fields, file: name, line: 1}
	}
	return all, err
}
