package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

// postRender lays Kustomize over the objects of a chart. Each is a file of its
// own, by which it is known again afterwards.
func (j *job) postRender(objects []object) ([]object, error) {
	if j.at.Render != gitindex.Helm || j.at.Build.Kustomize == nil || len(objects) == 0 {
		return objects, nil
	}
	engine.Lock()
	defer engine.Unlock()
	files := memory{}
	names := make([]string, len(objects))
	before := map[string]*object{}
	for i := range objects {
		text, err := compact(objects[i].fields)
		if err != nil {
			return nil, objects[i].fault(fmt.Errorf("encoding the object: %w", err))
		}
		names[i] = fmt.Sprintf("object-%05d.yaml", i)
		files[names[i]] = text
		before[names[i]] = &objects[i]
	}
	// The files are no input: they are made of what was read.
	o := overlay{files: files, dir: ".", build: j.at.Build.Kustomize, flux: j.at.Build.Flux}
	tree, err := kustomization.Load(files, ".", &kustomization.Overlay{
		Change: o.change,
		Generate: func() (*types.Kustomization, error) {
			return &types.Kustomization{
				TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
				Resources: names,
			}, nil
		},
	}, kustomization.Limits{Layers: maxLayers, Objects: j.options.MaxObjects})
	if err != nil {
		return nil, postRendering(err)
	}
	if tree.Root == nil {
		return nil, postRendering(tree.Problem)
	}
	fields, err := j.build(tree)
	if err != nil {
		return nil, postRendering(err)
	}
	return known(fields, trace(tree, fields), before), nil
}

func postRendering(err error) error {
	if at := (*gitindex.RenderError)(nil); errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("applying the post-renderer's patches and images: %w", err)
}

// known gives the objects the origins that they had.
func known(fields []map[string]any, origins []gitindex.Origin, before map[string]*object) []object {
	all := make([]object, len(fields))
	for i := range fields {
		all[i] = object{fields: fields[i]}
		if was := before[origins[i].File]; was != nil {
			all[i].file, all[i].line, all[i].hidden = was.file, was.line, was.hidden
			all[i].sets = append(all[i].sets, was.sets...)
		}
		all[i].sets = append(all[i].sets, origins[i].Fields...)
	}
	return all
}

// memory is a folder of files that are in no repository.
type memory map[string][]byte

func (m memory) Open(name string) (fs.File, error) {
	if name == "." {
		return &memoryFile{memoryInfo{name: name, dir: true}, nil}, nil
	}
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{memoryInfo{name: name, size: int64(len(data))}, bytes.NewReader(data)}, nil
}

type memoryFile struct {
	info   memoryInfo
	reader io.Reader
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memoryFile) Close() error               { return nil }

func (f *memoryFile) Read(p []byte) (int, error) {
	if f.reader == nil {
		return 0, fs.ErrInvalid
	}
	return f.reader.Read(p)
}

type memoryInfo struct {
	name string
	size int64
	dir  bool
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.dir }
func (i memoryInfo) Sys() any           { return nil }

func (i memoryInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
