package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

var (
	errAbsolute = errors.New("the path is absolute: write it relative to this file")
	errOutside  = errors.New("the path leads out of the repository")
)

func faultf(file string, line int, format string, args ...any) error {
	return &gitindex.RenderError{File: file, Line: line, Err: fmt.Errorf(format, args...)}
}

// moved puts a fault in a text at the place where the text stands.
func moved(err error, file string, line int) error {
	var fault *gitindex.RenderError
	if errors.As(err, &fault) {
		err = fault.Err
	}
	return &gitindex.RenderError{File: file, Line: line, Err: err}
}

// noFileError says that a folder has no kustomization file.
type noFileError struct{ dir string }

func noFile(dir string) error { return &noFileError{dir} }

func (e *noFileError) Error() string {
	return e.dir + " has no kustomization.yaml: add one, or name another folder"
}

func (e *noFileError) Unwrap() error { return fs.ErrNotExist }

// missing explains that what an entry names can't be looked at.
func (l *Layer) missing(line int, noun, entry, target string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return faultf(l.File, line, "%s %s: %w", noun, entry, manifest.Unreadable(err))
	}
	if path.Clean(entry) == target {
		return faultf(l.File, line, "%s %s %w: correct the path, or add it", noun, entry, errNotThere)
	}
	return faultf(l.File, line, "%s %s %w (%s): correct the path, or add it", noun, entry, errNotThere, target)
}

var errNotThere error = notThere{}

type notThere struct{}

func (notThere) Error() string { return "does not exist" }
func (notThere) Unwrap() error { return fs.ErrNotExist }
