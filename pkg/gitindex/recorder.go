package gitindex

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
)

// Recorder is a file system that passes every look on to a tree and notes
// what it saw: the content of a file that is read, the entries of a folder
// that is listed, the type of what is only asked for, and what isn't there or
// can't be read. It is not for use by several goroutines at a time.
type Recorder struct {
	tree fs.FS
	seen Inputs
	size int // of seen, in bytes
}

var (
	_ fs.ReadFileFS = (*Recorder)(nil)
	_ fs.ReadDirFS  = (*Recorder)(nil)
	_ fs.StatFS     = (*Recorder)(nil)
	_ fs.ReadLinkFS = (*Recorder)(nil)
)

// NewRecorder returns a Recorder that has seen nothing of tree yet.
func NewRecorder(tree fs.FS) *Recorder {
	return &Recorder{tree: tree, seen: Inputs{}}
}

// Inputs returns what was seen so far. The caller owns the result.
func (r *Recorder) Inputs() Inputs { return maps.Clone(r.seen) }

// Size is how many bytes of text Inputs has so far.
func (r *Recorder) Size() int { return r.size }

// ReadFile reads a file.
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(r.tree, name)
	r.sawContent(name, data, err)
	return data, err
}

// Note notes the content of a file that is too large to be read.
func (r *Recorder) Note(name string) { r.note(lookRead+" "+name, contentOf(r.tree, name)) }

// ReadDir lists a folder.
func (r *Recorder) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(r.tree, name)
	r.saw(lookList, name, listing(entries, err))
	return entries, err
}

// Stat follows symbolic links. Only the type is noted: neither size nor mode
// of a file is an input until it is read.
func (r *Recorder) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(r.tree, name)
	r.saw(lookType, name, typeOf(info, err))
	return info, err
}

// ReadLink returns what a symbolic link says.
func (r *Recorder) ReadLink(name string) (string, error) {
	target, err := fs.ReadLink(r.tree, name)
	r.saw(lookLink, name, linkTo(target, err))
	return target, err
}

// Lstat does not follow a symbolic link.
func (r *Recorder) Lstat(name string) (fs.FileInfo, error) {
	info, err := fs.Lstat(r.tree, name)
	_, _ = r.ReadLink(name)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		r.saw(lookType, name, typeOf(info, err))
	}
	return info, err
}

// Open counts as reading the whole file, or listing the whole folder.
func (r *Recorder) Open(name string) (fs.File, error) {
	file, err := r.tree.Open(name)
	if err != nil {
		r.saw(lookType, name, fault(err))
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		r.saw(lookType, name, fault(err))
		return file, nil
	}
	if info.IsDir() {
		_, _ = r.ReadDir(name)
		return file, nil
	}
	data, err := io.ReadAll(file)
	if err != nil {
		r.saw(lookRead, name, fault(err))
		_ = file.Close()
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	r.sawContent(name, data, nil)
	return &readFile{File: file, Reader: bytes.NewReader(data)}, nil
}

func (r *Recorder) sawContent(name string, data []byte, err error) {
	key := lookRead + " " + name
	if _, known := r.seen[key]; known {
		return
	}
	var info fs.FileInfo
	if err == nil {
		info, err = fs.Stat(r.tree, name)
	}
	r.note(key, content(info, data, err))
}

func (r *Recorder) saw(look, name, fingerprint string) { r.note(look+" "+name, fingerprint) }

func (r *Recorder) note(key, fingerprint string) {
	if before, known := r.seen[key]; known {
		r.size -= len(key) + len(before)
	}
	r.size += len(key) + len(fingerprint)
	r.seen[key] = fingerprint
}

// readFile is an open file whose content was read already.
type readFile struct {
	fs.File
	*bytes.Reader
}

func (f *readFile) Read(p []byte) (int, error) { return f.Reader.Read(p) }
