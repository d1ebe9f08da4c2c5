package chart

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// tree is files in memory, which nobody changes.
type tree struct {
	files   map[string][]byte
	folders map[string][]fs.DirEntry // in order of name
}

var (
	_ fs.ReadFileFS = (*tree)(nil)
	_ fs.ReadDirFS  = (*tree)(nil)
	_ fs.StatFS     = (*tree)(nil)
	_ fs.ReadLinkFS = (*tree)(nil)
)

// newTree makes folders of the files' names. Where one name is both, it is the
// folder.
func newTree(files map[string][]byte) *tree {
	t := &tree{files: map[string][]byte{}, folders: map[string][]fs.DirEntry{".": nil}}
	for name := range files {
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			t.folders[folder] = nil
		}
	}
	add := func(i info, name string) {
		above := path.Dir(name)
		t.folders[above] = append(t.folders[above], fs.FileInfoToDirEntry(i))
	}
	for name := range t.folders {
		if name != "." {
			add(info{name: path.Base(name), mode: fs.ModeDir | 0o555}, name)
		}
	}
	for name, data := range files {
		if _, folder := t.folders[name]; !folder {
			t.files[name] = data
			add(fileInfo(name, data), name)
		}
	}
	for _, entries := range t.folders {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

func fileInfo(name string, data []byte) info {
	return info{name: path.Base(name), size: int64(len(data)), mode: 0o444}
}

func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	if data, ok := t.files[name]; ok {
		return fileInfo(name, data), nil
	}
	if _, ok := t.folders[name]; ok {
		return info{name: path.Base(name), mode: fs.ModeDir | 0o555}, nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// Lstat is Stat: there are no links.
func (t *tree) Lstat(name string) (fs.FileInfo, error) { return t.Stat(name) }

func (t *tree) ReadLink(name string) (string, error) {
	if _, err := t.Stat(name); err != nil {
		return "", err
	}
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
}

func (t *tree) ReadFile(name string) ([]byte, error) {
	data, ok := t.files[name]
	if !ok {
		if _, err := t.Stat(name); err != nil {
			return nil, err
		}
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return bytes.Clone(data), nil
}

func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, ok := t.folders[name]
	if !ok {
		if _, err := t.Stat(name); err != nil {
			return nil, err
		}
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	return slices.Clone(entries), nil
}

func (t *tree) Open(name string) (fs.File, error) {
	at, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if at.IsDir() {
		return &openFolder{info: at.(info), left: slices.Clone(t.folders[name])}, nil
	}
	return &openFile{info: at.(info), Reader: bytes.NewReader(t.files[name])}, nil
}

// info is a file or folder. It has no time: what is in it says all.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

type openFile struct {
	info
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Size() int64                { return f.info.size }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	info
	left []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		all := f.left
		f.left = nil
		return all, nil
	}
	if len(f.left) == 0 {
		return nil, io.EOF
	}
	some := f.left[:min(n, len(f.left))]
	f.left = f.left[len(some):]
	return some, nil
}
