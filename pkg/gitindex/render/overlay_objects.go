package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// postRender lays Kustomize over the objects of a chart. Each is a file of its
// own, by which it is known again afterwards.
func (j *job) postRender(objects []object) ([]object, error) {
	if j.at.Render != gitindex.Helm || j.at.Build.Kustomize == nil || len(objects) == 0 {
		return objects, nil
	}
	w := &kustomizeWork{
		Dir: ".", Overlay: j.at.Build.Kustomize, Flux: j.at.Build.Flux, MaxObjects: j.options.MaxObjects,
		Objects: map[string][]byte{},
	}
	before := map[string]*object{}
	for i := range objects {
		text, err := compact(objects[i].fields)
		if err != nil {
			return nil, objects[i].fault(fmt.Errorf("encoding the object: %w", err))
		}
		name := fmt.Sprintf("object-%05d.yaml", i)
		w.Objects[name] = text
		before[name] = &objects[i]
	}
	after, err := j.children.kustomize(j.files, w)
	if err != nil {
		return nil, postRendering(err)
	}
	return known(after, before), nil
}

func postRendering(err error) error {
	if no := (*noFault)(nil); errors.As(err, &no) {
		return err
	}
	if at := (*gitindex.RenderError)(nil); errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("applying the post-renderer's patches and images: %w", err)
}

// known gives the objects the origins that they had.
func known(after []object, before map[string]*object) []object {
	all := make([]object, len(after))
	for i, o := range after {
		all[i] = object{fields: o.fields}
		if was := before[o.file]; was != nil {
			all[i].file, all[i].line, all[i].hidden = was.file, was.line, was.hidden
			all[i].sets = append(all[i].sets, was.sets...)
		}
		all[i].sets = append(all[i].sets, o.sets...)
	}
	return all
}

// folder is one of files that are in no repository.
type folder map[string][]byte

func (f folder) Open(name string) (fs.File, error) {
	if name == "." {
		return &folderFile{folderInfo{name: name, dir: true}, nil}, nil
	}
	data, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &folderFile{folderInfo{name: name, size: int64(len(data))}, bytes.NewReader(data)}, nil
}

type folderFile struct {
	info   folderInfo
	reader io.Reader
}

func (f *folderFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folderFile) Close() error               { return nil }

func (f *folderFile) Read(p []byte) (int, error) {
	if f.reader == nil {
		return 0, fs.ErrInvalid
	}
	return f.reader.Read(p)
}

type folderInfo struct {
	name string
	size int64
	dir  bool
}

func (i folderInfo) Name() string       { return i.name }
func (i folderInfo) Size() int64        { return i.size }
func (i folderInfo) ModTime() time.Time { return time.Time{} }
func (i folderInfo) IsDir() bool        { return i.dir }
func (i folderInfo) Sys() any           { return nil }

func (i folderInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
