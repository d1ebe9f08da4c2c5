package render

import "io/fs"

// seen is a tree of which some was looked at ahead.
type seen struct {
	fs.FS
	files map[string]looked[[]byte]
	infos map[string]looked[fs.FileInfo]
	own   map[string]looked[fs.FileInfo]
}

type looked[T any] struct {
	value T
	err   error
}

// ahead remembers what it looks at for seen. Looks at folders and links aren't
// worth it.
type ahead struct{ *seen }

var (
	_ fs.ReadFileFS = (*seen)(nil)
	_ fs.ReadDirFS  = (*seen)(nil)
	_ fs.StatFS     = (*seen)(nil)
	_ fs.ReadLinkFS = (*seen)(nil)

	_ fs.ReadFileFS = ahead{}
	_ fs.StatFS     = ahead{}
	_ fs.ReadLinkFS = ahead{}
)

func newSeen(tree fs.FS) *seen {
	return &seen{tree, map[string]looked[[]byte]{}, map[string]looked[fs.FileInfo]{}, map[string]looked[fs.FileInfo]{}}
}

func look[T any](known map[string]looked[T], tree fs.FS, name string, how func(fs.FS, string) (T, error)) (T, error) {
	if was, ok := known[name]; ok {
		return was.value, was.err
	}
	return how(tree, name)
}

func lookAhead[T any](known map[string]looked[T], tree fs.FS, name string, how func(fs.FS, string) (T, error)) (T, error) {
	value, err := look(known, tree, name, how)
	known[name] = looked[T]{value, err}
	return value, err
}

func (s *seen) ReadFile(name string) ([]byte, error)       { return look(s.files, s.FS, name, fs.ReadFile) }
func (s *seen) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(s.FS, name) }
func (s *seen) Stat(name string) (fs.FileInfo, error)      { return look(s.infos, s.FS, name, fs.Stat) }
func (s *seen) Lstat(name string) (fs.FileInfo, error)     { return look(s.own, s.FS, name, fs.Lstat) }
func (s *seen) ReadLink(name string) (string, error)       { return fs.ReadLink(s.FS, name) }

func (a ahead) ReadFile(name string) ([]byte, error) {
	return lookAhead(a.files, a.FS, name, fs.ReadFile)
}

func (a ahead) Stat(name string) (fs.FileInfo, error) {
	return lookAhead(a.infos, a.FS, name, fs.Stat)
}

func (a ahead) Lstat(name string) (fs.FileInfo, error) {
	return lookAhead(a.own, a.FS, name, fs.Lstat)
}
