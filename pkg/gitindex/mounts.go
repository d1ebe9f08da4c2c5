package gitindex

import (
	"io/fs"
	"strings"
)

// mounts is a tree with other trees as folders in its root, where reading goes
// on by the name below them. They don't show when the root is listed.
type mounts struct {
	root fs.FS
	at   map[string]fs.FS
}

var (
	_ fs.ReadFileFS = (*mounts)(nil)
	_ fs.ReadDirFS  = (*mounts)(nil)
	_ fs.StatFS     = (*mounts)(nil)
	_ fs.ReadLinkFS = (*mounts)(nil)
)

// mount returns root with the trees as folders in it; root itself without any.
func mount(root fs.FS, trees map[string]fs.FS) fs.FS {
	if len(trees) == 0 {
		return root
	}
	return &mounts{root: root, at: trees}
}

// find is the tree that has a name, and its name there.
func (m *mounts) find(name string) (fs.FS, string) {
	folder, rest, below := strings.Cut(name, "/")
	tree, ok := m.at[folder]
	switch {
	case !ok:
		return m.root, name
	case !below:
		return tree, "."
	}
	return tree, rest
}

func (m *mounts) Open(name string) (fs.File, error) {
	tree, name := m.find(name)
	return tree.Open(name)
}

func (m *mounts) ReadFile(name string) ([]byte, error) {
	tree, name := m.find(name)
	return fs.ReadFile(tree, name)
}

func (m *mounts) ReadDir(name string) ([]fs.DirEntry, error) {
	tree, name := m.find(name)
	return fs.ReadDir(tree, name)
}

func (m *mounts) Stat(name string) (fs.FileInfo, error) {
	tree, name := m.find(name)
	return fs.Stat(tree, name)
}

func (m *mounts) Lstat(name string) (fs.FileInfo, error) {
	tree, name := m.find(name)
	return fs.Lstat(tree, name)
}

func (m *mounts) ReadLink(name string) (string, error) {
	tree, name := m.find(name)
	return fs.ReadLink(tree, name)
}
