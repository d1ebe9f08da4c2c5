package backport

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
)

// overlay is a tree in which some files have another content. Files are neither
// added nor removed.
type overlay struct {
	below  fs.FS
	edited map[string][]byte
}

var (
	_ fs.ReadFileFS = overlay{}
	_ fs.ReadDirFS  = overlay{}
	_ fs.StatFS     = overlay{}
	_ fs.ReadLinkFS = overlay{}
)

// with is the same tree with one more file changed.
func (o overlay) with(name string, content []byte) overlay {
	edited := maps.Clone(o.edited)
	if edited == nil {
		edited = map[string][]byte{}
	}
	edited[name] = content
	return overlay{o.below, edited}
}

func (o overlay) Open(name string) (fs.File, error) {
	file, err := o.below.Open(name)
	if content, ok := o.edited[name]; ok && err == nil {
		return &editedFile{file, bytes.NewReader(content)}, nil
	}
	return file, err
}

func (o overlay) ReadFile(name string) ([]byte, error) {
	if content, ok := o.edited[name]; ok {
		return bytes.Clone(content), nil
	}
	return fs.ReadFile(o.below, name)
}

// ReadDir leaves out .git, which no commit has.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.below, name)
	return slices.DeleteFunc(entries, func(entry fs.DirEntry) bool { return name == "." && entry.Name() == ".git" }), err
}

func (o overlay) Stat(name string) (fs.FileInfo, error)           { return fs.Stat(o.below, name) }
func (o overlay) Lstat(name string) (fs.FileInfo, error)          { return fs.Lstat(o.below, name) }
func (o overlay) ReadLink(name string) (target string, err error) { return fs.ReadLink(o.below, name) }

// editedFile is an open file with another content.
type editedFile struct {
	fs.File
	content *bytes.Reader
}

func (f *editedFile) Read(p []byte) (int, error) { return f.content.Read(p) }
