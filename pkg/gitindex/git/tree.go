package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// tree is a commit's files. See Store.Tree for what it promises.
type tree struct {
	pack  *pack
	root  node
	limit int64 // of a file, to be read

	mu      sync.Mutex
	folders map[plumbing.Hash][]object.TreeEntry // decoded so far; never changed
}

var (
	_ fs.ReadFileFS = (*tree)(nil)
	_ fs.ReadDirFS  = (*tree)(nil)
	_ fs.StatFS     = (*tree)(nil)
	_ fs.ReadLinkFS = (*tree)(nil)
)

func newTree(p *pack, commit plumbing.Hash, limit int64) (*tree, error) {
	root, err := p.root(commit)
	if err != nil {
		return nil, err
	}
	return &tree{
		pack:    p,
		root:    node{name: ".", mode: filemode.Dir, hash: root},
		limit:   limit,
		folders: map[plumbing.Hash][]object.TreeEntry{},
	}, nil
}

// node is an entry of a tree.
type node struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
}

var (
	errSubmodule = errors.New("it is a submodule, and those are not fetched")
	errNotFolder = errors.New("it is not a folder")
	errFolder    = errors.New("it is a folder")
)

// entries lists a folder as Git has it.
func (t *tree) entries(folder plumbing.Hash) ([]object.TreeEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.folders[folder]; ok {
		return known, nil
	}
	entries, err := t.pack.entries(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.Name == "." || entry.Name == ".." || strings.ContainsRune(entry.Name, '/') {
			return nil, fmt.Errorf("it holds an entry with the name %q, which no folder can have", entry.Name)
		}
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	t.folders[folder] = entries
	return entries, nil
}

// child finds a name in a folder.
func (t *tree) child(folder node, name string) (node, error) {
	switch folder.mode {
	case filemode.Dir:
	case filemode.Submodule:
		return node{}, errSubmodule
	default:
		return node{}, fs.ErrNotExist
	}
	entries, err := t.entries(folder.hash)
	if err != nil {
		return node{}, err
	}
	i, ok := slices.BinarySearchFunc(entries, name, func(e object.TreeEntry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return node{}, fs.ErrNotExist
	}
	return node{name: name, mode: entries[i].Mode, hash: entries[i].Hash}, nil
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, true)
	switch {
	case err != nil:
		return nil, err
	case n.mode == filemode.Dir:
		return &openFolder{tree: t, node: n, path: name}, nil
	case n.mode == filemode.Submodule:
		return nil, pathError("open", name, errSubmodule)
	default:
		return &openFile{tree: t, node: n, path: name}, nil
	}
}

// ReadFile implements fs.ReadFileFS.
func (t *tree) ReadFile(name string) ([]byte, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	data, err := t.content(n)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	list, err := t.list(n)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	return list, nil
}

// Stat implements fs.StatFS.
func (t *tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (t *tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *tree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	n.name = path.Base(name)
	info, err := t.info(n)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return info, nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *tree) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.mode != filemode.Symlink {
		return "", pathError("readlink", name, fs.ErrInvalid)
	}
	target, err := t.target(n)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	return target, nil
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
