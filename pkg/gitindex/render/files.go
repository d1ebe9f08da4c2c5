package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// files are the files of a tree as one rendering reads them: each once, not
// too much in all, and not after the context has ended.
type files struct {
	ctx      context.Context
	seen     *seen
	recorder *gitindex.Recorder
	counted  map[string]bool // files that left is without
	left     int64
	limit    int64
	excluded *exclusion // nil if there is none

	// err says why nothing can be read any more.
	err error
}

var (
	_ fs.ReadFileFS = (*files)(nil)
	_ fs.ReadDirFS  = (*files)(nil)
	_ fs.StatFS     = (*files)(nil)
	_ fs.ReadLinkFS = (*files)(nil)
)

func newFiles(ctx context.Context, tree fs.FS, build gitindex.Build, limit int64) *files {
	seen := newSeen(tree)
	recorder := gitindex.NewRecorder(seen)
	return &files{
		ctx: ctx, seen: seen, recorder: recorder, counted: map[string]bool{}, left: limit, limit: limit,
		excluded: newExclusion(recorder, build),
	}
}

// Ahead implements child.Foreseeing: looks at it are no inputs, and what is read
// is there for when it becomes one. What a location excludes it would show.
func (f *files) Ahead() fs.FS {
	if f.excluded != nil {
		return nil
	}
	return f.seen
}

// maxSeen bounds what there is to remember of the looks at a tree, in bytes: a
// hundred thousand and more. Git keeps a folder that lies in many places once,
// so that a small repository may have any number of them.
const maxSeen = 16 << 20

var errTooMany = errors.New("the location has more files and folders than can be looked at: split it into several, or name one with fewer")

// taken is an error if the agent doesn't take what is at a path.
func (f *files) taken(op, name string) error {
	if f.excluded == nil {
		return nil
	}
	if info, err := f.recorder.Lstat(name); err == nil && f.excluded.hides(name, info.IsDir()) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

func (f *files) usable(op, name string) error {
	if f.err == nil && f.ctx.Err() != nil {
		f.err = fmt.Errorf("rendering was stopped: %w", context.Cause(f.ctx))
	}
	if f.err == nil && f.recorder.Size() > maxSeen {
		f.err = errTooMany
	}
	if f.err != nil {
		return &fs.PathError{Op: op, Path: name, Err: f.err}
	}
	return f.taken(op, name)
}

func (f *files) ReadFile(name string) ([]byte, error) {
	if f.counted[name] {
		return f.seen.ReadFile(name)
	}
	if err := f.usable("read", name); err != nil {
		return nil, err
	}
	if info, err := fs.Stat(f.recorder, name); err == nil && !info.IsDir() && info.Size() > f.left {
		f.recorder.Note(name)
		return nil, f.tooMuch(name)
	}
	data, err := f.recorder.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if f.left -= int64(len(data)); f.left < 0 {
		return nil, f.tooMuch(name)
	}
	f.counted[name] = true
	return data, nil
}

func (f *files) tooMuch(name string) error {
	f.err = fmt.Errorf("reading %s: the files of this location are larger than %s in all: split it into several locations", name, gitindex.BytesText(f.limit))
	return f.err
}

func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.usable("readdir", name); err != nil {
		return nil, err
	}
	entries, err := f.recorder.ReadDir(name)
	if f.excluded == nil {
		return entries, err
	}
	kept := entries[:0:0]
	for _, entry := range entries {
		if !f.excluded.hides(path.Join(name, entry.Name()), entry.IsDir()) {
			kept = append(kept, entry)
		}
	}
	return kept, err
}

func (f *files) Stat(name string) (fs.FileInfo, error) {
	if err := f.usable("stat", name); err != nil {
		return nil, err
	}
	return f.recorder.Stat(name)
}

func (f *files) Lstat(name string) (fs.FileInfo, error) {
	if err := f.usable("lstat", name); err != nil {
		return nil, err
	}
	return f.recorder.Lstat(name)
}

func (f *files) ReadLink(name string) (string, error) {
	if err := f.usable("readlink", name); err != nil {
		return "", err
	}
	return f.recorder.ReadLink(name)
}

func (f *files) Open(name string) (fs.File, error) {
	if err := f.usable("open", name); err != nil {
		return nil, err
	}
	return f.recorder.Open(name)
}
