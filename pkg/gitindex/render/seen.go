package render

import "io/fs"

// seen is a tree that remembers the files that were read and the types that
// were asked for. Folders and links aren't worth it.
type seen struct {
	fs.FS
	files looks[[]byte]
	types looks[fs.FileInfo]
	own   looks[fs.FileInfo] // of links themselves
}

var (
	_ fs.ReadFileFS = (*seen)(nil)
	_ fs.ReadDirFS  = (*seen)(nil)
	_ fs.StatFS     = (*seen)(nil)
	_ fs.ReadLinkFS = (*seen)(nil)
)

func newSeen(tree fs.FS) *seen {
	return &seen{tree, looks[[]byte]{}, looks[fs.FileInfo]{}, looks[fs.FileInfo]{}}
}

func (s *seen) ReadFile(name string) ([]byte, error)       { return s.files.look(s.FS, name, fs.ReadFile) }
func (s *seen) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(s.FS, name) }
func (s *seen) Stat(name string) (fs.FileInfo, error)      { return s.types.look(s.FS, name, fs.Stat) }
func (s *seen) Lstat(name string) (fs.FileInfo, error)     { return s.own.look(s.FS, name, fs.Lstat) }
func (s *seen) ReadLink(name string) (string, error)       { return fs.ReadLink(s.FS, name) }

// looks are what looks of one kind came to, by name.
type looks[T any] map[string]looked[T]

type looked[T any] struct {
	value T
	err   error
}

func (l looks[T]) look(tree fs.FS, name string, how func(fs.FS, string) (T, error)) (T, error) {
	was, known := l[name]
	if !known {
		was.value, was.err = how(tree, name)
		l[name] = was
	}
	return was.value, was.err
}
