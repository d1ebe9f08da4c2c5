package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Mount is where Kustomize sees the repository's root. A path that is
// absolute in a kustomization is thus outside of it.
const Mount = "/repository"

// FileSystem shows Kustomize the files of a tree, to read only. It has no
// kustomization file but those that the tree was loaded from.
type FileSystem struct {
	tree *Tree
	err  error
}

var _ filesys.FileSystem = (*FileSystem)(nil)

// FileSystem returns the files of the tree as Kustomize wants them.
func (t *Tree) FileSystem() *FileSystem { return &FileSystem{tree: t} }

// Err is the first refusal that Kustomize met. It may have gone on after it.
func (f *FileSystem) Err() error { return f.err }

var errReadOnly = errors.New("the repository is read-only here")

// local returns the path within the repository.
func local(name string) (string, error) {
	name = path.Clean(name)
	if name == Mount {
		return ".", nil
	}
	if within, ok := strings.CutPrefix(name, Mount+"/"); ok {
		return within, nil
	}
	return "", fmt.Errorf("%s: %w", name, errOutside)
}

// ReadFile returns the content of a file.
func (f *FileSystem) ReadFile(name string) ([]byte, error) {
	file, err := local(name)
	if err != nil {
		return nil, err
	}
	if data, ok := f.tree.checks[file]; ok {
		return data, nil
	}
	info, err := fs.Stat(f.tree.Files, file)
	if err != nil {
		return nil, f.shorten(file, err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s %w", file, errFolder)
	}
	if IsFileName(path.Base(file)) {
		return nil, f.refuse(faultf(file, 0, "Kustomize wants this file unexpectedly"))
	}
	data, err := fs.ReadFile(f.tree.Files, file)
	if err != nil {
		return nil, f.refuse(f.shorten(file, err))
	}
	if err := manifest.CheckAliases(file, data); err != nil {
		return nil, f.refuse(err)
	}
	return data, nil
}

var errFolder = errors.New("is a folder")

func (f *FileSystem) shorten(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s %w", file, errNotThere)
	}
	return err
}

// refuse keeps an error that Kustomize may not pass on.
func (f *FileSystem) refuse(err error) error {
	if f.err == nil {
		f.err = err
	}
	return err
}

// CleanedAbs returns the folder of a path, with links resolved, and the file
// name in it unless the path is a folder.
func (f *FileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	file, err := local(name)
	if err != nil {
		return "", "", err
	}
	if file, err = resolve(f.tree.Files, file); err != nil {
		return "", "", f.shorten(file, err)
	}
	info, err := fs.Stat(f.tree.Files, file)
	if err != nil {
		return "", "", f.shorten(file, err)
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(path.Join(Mount, file)), "", nil
	}
	return filesys.ConfirmedDir(path.Join(Mount, path.Dir(file))), path.Base(file), nil
}

// IsDir tells whether a path is a folder.
func (f *FileSystem) IsDir(name string) bool {
	file, err := local(name)
	if err != nil {
		return false
	}
	info, err := fs.Stat(f.tree.Files, file)
	return err == nil && info.IsDir()
}

// Exists tells whether there is anything at a path.
func (f *FileSystem) Exists(name string) bool {
	file, err := local(name)
	if err != nil {
		return false
	}
	_, err = fs.Stat(f.tree.Files, file)
	return err == nil
}

// ReadDir returns the names in a folder.
func (f *FileSystem) ReadDir(name string) ([]string, error) {
	dir, err := local(name)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(f.tree.Files, dir)
	if err != nil {
		return nil, f.shorten(dir, err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// What follows is never called to build a kustomization.

// Open is not supported.
func (f *FileSystem) Open(string) (filesys.File, error) { return nil, errors.ErrUnsupported }

// Glob is not supported.
func (f *FileSystem) Glob(string) ([]string, error) { return nil, errors.ErrUnsupported }

// Walk is not supported.
func (f *FileSystem) Walk(string, filepath.WalkFunc) error { return errors.ErrUnsupported }

// Create fails: nothing is written.
func (f *FileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir fails: nothing is written.
func (f *FileSystem) Mkdir(string) error { return errReadOnly }

// MkdirAll fails: nothing is written.
func (f *FileSystem) MkdirAll(string) error { return errReadOnly }

// RemoveAll fails: nothing is written.
func (f *FileSystem) RemoveAll(string) error { return errReadOnly }

// WriteFile fails: nothing is written.
func (f *FileSystem) WriteFile(string, []byte) error { return errReadOnly }
