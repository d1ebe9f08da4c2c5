package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// content reads a file that isn't too large.
func (t *tree) content(n node) ([]byte, error) {
	switch n.mode {
	case filemode.Dir:
		return nil, errFolder
	case filemode.Submodule:
		return nil, errSubmodule
	}
	size, err := t.pack.size(n.hash)
	if errors.Is(err, errLeftOut) {
		return nil, fmt.Errorf("the file is too large to be unpacked: it may have %s", gitindex.BytesText(t.limit))
	}
	if err != nil {
		return nil, err
	}
	if size > t.limit {
		return nil, fmt.Errorf("the file has %s, which is more than the limit of %s", gitindex.BytesText(size), gitindex.BytesText(t.limit))
	}
	return t.pack.read(plumbing.BlobObject, n.hash)
}

// list reads a folder.
func (t *tree) list(n node) ([]fs.DirEntry, error) {
	switch n.mode {
	case filemode.Dir:
	case filemode.Submodule:
		return nil, errSubmodule
	default:
		return nil, errNotFolder
	}
	entries, err := t.entries(n.hash)
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, len(entries))
	for i, entry := range entries {
		list[i] = dirEntry{t, node{name: entry.Name, mode: entry.Mode, hash: entry.Hash}}
	}
	return list, nil
}

func (t *tree) info(n node) (fs.FileInfo, error) {
	info := fileInfo{node: n}
	if info.Mode().IsDir() {
		return info, nil
	}
	var err error
	info.size, err = t.pack.size(n.hash)
	if errors.Is(err, errLeftOut) {
		info.size = t.limit + 1 // how much more can't be told
		err = nil
	}
	return info, err
}

// fileInfo implements fs.FileInfo. Its times are zero: a commit's files have
// none of their own.
type fileInfo struct {
	node
	size int64
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) Sys() any           { return i.hash.String() }

// Mode shows a submodule as the folder it stands for.
func (i fileInfo) Mode() fs.FileMode {
	switch i.mode {
	case filemode.Dir, filemode.Submodule:
		return fs.ModeDir | 0o555
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Executable:
		return 0o555
	default:
		return 0o444
	}
}

type dirEntry struct {
	tree *tree
	node node
}

func (e dirEntry) Name() string               { return e.node.name }
func (e dirEntry) IsDir() bool                { return e.Type().IsDir() }
func (e dirEntry) Type() fs.FileMode          { return fileInfo{node: e.node}.Mode().Type() }
func (e dirEntry) Info() (fs.FileInfo, error) { return e.tree.info(e.node) }
func (e dirEntry) String() string             { return fs.FormatDirEntry(e) }

// openFile is a file whose content is fetched when it is first read.
type openFile struct {
	tree    *tree
	node    node
	path    string
	content *bytes.Reader
	closed  bool
}

func (f *openFile) Stat() (fs.FileInfo, error) {
	info, err := f.tree.info(f.node)
	if err != nil {
		return nil, pathError("stat", f.path, err)
	}
	return info, nil
}

func (f *openFile) Read(p []byte) (int, error) {
	if f.closed {
		return 0, pathError("read", f.path, fs.ErrClosed)
	}
	if f.content == nil {
		data, err := f.tree.content(f.node)
		if err != nil {
			return 0, pathError("read", f.path, err)
		}
		f.content = bytes.NewReader(data)
	}
	return f.content.Read(p)
}

func (f *openFile) Close() error {
	f.content, f.closed = nil, true
	return nil
}

// openFolder implements fs.ReadDirFile.
type openFolder struct {
	tree   *tree
	node   node
	path   string
	rest   []fs.DirEntry
	listed bool
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.tree.info(f.node) }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, pathError("read", f.path, errFolder)
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.listed {
		list, err := f.tree.list(f.node)
		if err != nil {
			return nil, pathError("readdir", f.path, err)
		}
		f.rest, f.listed = list, true
	}
	count := len(f.rest)
	if n > 0 {
		if count == 0 {
			return nil, io.EOF
		}
		count = min(n, count)
	}
	list := f.rest[:count:count]
	f.rest = f.rest[count:]
	return list, nil
}
