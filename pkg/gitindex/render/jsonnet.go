package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/jsonnet"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// jsonnet renders a Jsonnet file, or every .jsonnet file in a folder: those in
// folders below too if the build says so. Jsonnet has neither chance nor a
// clock, so that once is enough.
func (j *job) jsonnet(at gitindex.Location, folder bool) ([]object, error) {
	names := []string{at.Path}
	root := path.Dir(at.Path)
	if folder {
		directory := gitindex.Directory{Flat: true}
		if at.Build.Directory != nil {
			directory = *at.Build.Directory
		}
		var err error
		if names, err = j.filesOf(at.Path, directory, ".jsonnet"); err != nil {
			return nil, err
		}
		if len(names) == 0 && at.Build.Directory == nil {
			return nil, fmt.Errorf("%s has no .jsonnet file: name the folder of one", at.Path)
		}
		root = at.Path
	}
	evaluated, err := j.evaluate(root, names, at.Build.Jsonnet)
	if err != nil {
		return nil, err
	}
	var all []object
	for _, name := range names {
		all = append(all, evaluated[name]...)
	}
	return all, j.count(len(all))
}

// evaluate returns the objects of Jsonnet files: of each an object, or a list
// of objects.
func (j *job) evaluate(root string, names []string, build *gitindex.JsonnetBuild) (map[string][]object, error) {
	if len(names) == 0 {
		return nil, nil
	}
	w := jsonnet.Job{Files: names, Folder: root}
	if build != nil {
		w.Build = *build
	}
	for _, library := range w.Build.Libraries {
		if !fs.ValidPath(jsonnet.Library(library)) {
			return nil, fmt.Errorf("the library %s is outside of the repository: name a folder relative to its root", library)
		}
	}
	m, err := j.children.run(j.files.ctx, j.files, work{Jsonnet: &w})
	if err != nil {
		place := root
		if len(names) == 1 {
			place = names[0]
		}
		return nil, atFile(place, 0, err)
	}
	if fault := m.Jsonnet.Fault; fault != nil {
		return nil, atFile(fault.File, fault.Line, errors.New(fault.Text))
	}
	all := map[string][]object{}
	for i, name := range names {
		if all[name], err = evaluatedObjects(name, m.Jsonnet.JSON[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

var errNotObjects = errors.New("it comes to neither a Kubernetes object nor a list of them: make it one of them")

func evaluatedObjects(name, text string) ([]object, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, &gitindex.RenderError{File: name, Err: errNotObjects}
	}
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	var all []object
	for _, value := range values {
		if value == nil {
			continue
		}
		if _, ok := value.(map[string]any); !ok {
			return nil, &gitindex.RenderError{File: name, Err: errNotObjects}
		}
		found, err := manifest.ObjectsOf(name, value)
		if err != nil {
			return nil, &gitindex.RenderError{File: name, Err: errNotObjects}
		}
		for _, o := range found {
			all = append(all, object{fields: o.Fields, file: name})
		}
	}
	return all, nil
}
