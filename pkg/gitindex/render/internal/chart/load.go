package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	helm "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
)

// maxDepth bounds folders in folders: links can make circles.
const maxDepth = 40

// charts loads charts and knows where their files are from.
type charts struct {
	tree fs.FS
	from map[*common.File]origin
}

// origin is the file of the tree that a chart's file is, or is in.
type origin struct {
	file    string
	archive bool
}

// source is a file of a chart.
type source struct {
	name string // in the chart
	from origin
	data []byte
}

// folder loads the chart in a folder of the tree.
func (c *charts) folder(dir string) (*helm.Chart, *Fault) {
	l := lister{tree: c.tree, dir: dir, rules: ignore.Empty()}
	at := path.Join(dir, ignore.HelmIgnore)
	if text, err := fs.ReadFile(c.tree, at); err == nil {
		if l.rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, &Fault{File: at, Text: err.Error()}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, unreadable(at, err)
	}
	l.rules.AddDefaults()
	if fault := l.list(".", 0); fault != nil {
		return nil, fault
	}
	return c.load(l.sources, origin{file: path.Join(dir, "Chart.yaml")})
}

// load makes a chart of its files. Helm's loader takes the charts below in any
// order, and forgets where they are from: it is given one chart at a time.
func (c *charts) load(sources []source, at origin) (*helm.Chart, *Fault) {
	var own []*archive.BufferedFile
	ours := map[string]origin{}
	below := map[string][]source{}
	for _, s := range sources {
		name, inside := strings.CutPrefix(s.name, "charts/")
		if !inside || path.Ext(name) == ".prov" {
			own = append(own, &archive.BufferedFile{Name: s.name, Data: s.data})
			ours[s.name] = s.from
			continue
		}
		folder, rest, _ := strings.Cut(name, "/")
		below[folder] = append(below[folder], source{rest, s.from, s.data})
	}
	chart, err := loader.LoadFiles(own)
	if err != nil {
		return nil, unloadable(at, ours, err)
	}
	for _, files := range [][]*common.File{chart.Templates, chart.Files} {
		for _, file := range files {
			c.from[file] = ours[file.Name]
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(below)) {
		sub, fault := c.below(folder, below[folder], at)
		if fault != nil {
			return nil, fault
		}
		if sub != nil {
			chart.AddDependency(sub)
		}
	}
	return chart, nil
}

// below loads what is in charts/: a folder or an archive. What begins with a
// dot or an underscore is none.
func (c *charts) below(name string, sources []source, at origin) (*helm.Chart, *Fault) {
	switch {
	case strings.HasPrefix(name, "_"), strings.HasPrefix(name, "."):
		return nil, nil
	case path.Ext(name) == ".tgz":
		return c.archive(sources[0])
	}
	if !at.archive {
		at.file = path.Join(path.Dir(at.file), "charts", name, "Chart.yaml")
	}
	inside := slices.DeleteFunc(sources, func(s source) bool { return s.name == "" })
	return c.load(inside, at)
}

func (c *charts) archive(s source) (*helm.Chart, *Fault) {
	files, err := archive.LoadArchiveFiles(bytes.NewReader(s.data))
	if err != nil {
		return nil, &Fault{File: s.from.file, Text: "the archive can't be read: " + err.Error()}
	}
	at := origin{file: s.from.file, archive: true}
	sources := make([]source, len(files))
	for i, file := range files {
		sources[i] = source{file.Name, at, file.Data}
	}
	return c.load(sources, at)
}

// unloadable finds the file that Helm's loader means.
func unloadable(at origin, ours map[string]origin, err error) *Fault {
	fault := yamlFault(at.file, err)
	for name, from := range ours {
		if strings.HasPrefix(err.Error(), "cannot load "+name+":") {
			fault.File = from.file
		}
	}
	if at.archive {
		fault.Line = 0
	}
	return fault
}

// lister collects the files of a folder that .helmignore doesn't name.
type lister struct {
	tree    fs.FS
	dir     string
	rules   *ignore.Rules
	sources []source
}

func (l *lister) list(folder string, depth int) *Fault {
	at := path.Join(l.dir, folder)
	if depth > maxDepth {
		return &Fault{File: at, Text: "the folders are too deep: a link may lead to a folder that it is in"}
	}
	entries, err := fs.ReadDir(l.tree, at)
	if err != nil {
		return unreadable(at, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		if fault := l.add(path.Join(folder, entry.Name()), entry.Type(), depth); fault != nil {
			return fault
		}
	}
	return nil
}

func (l *lister) add(name string, mode fs.FileMode, depth int) *Fault {
	at := path.Join(l.dir, name)
	if l.rules.Ignore(name, kind{name, mode}) {
		return nil
	}
	if mode.Type() == fs.ModeSymlink {
		info, err := fs.Stat(l.tree, at)
		if err != nil {
			return unreadable(at, err)
		}
		if mode = info.Mode(); l.rules.Ignore(name, kind{name, mode}) {
			return nil
		}
	}
	if mode.IsDir() {
		return l.list(name, depth+1)
	}
	if !mode.IsRegular() {
		return &Fault{File: at, Text: "it is neither a file nor a folder: leave it out of the chart"}
	}
	data, err := fs.ReadFile(l.tree, at)
	if err != nil {
		return unreadable(at, err)
	}
	l.sources = append(l.sources, source{name, origin{file: at}, bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))})
	return nil
}

func unreadable(file string, err error) *Fault {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = at.Err
	}
	return &Fault{File: file, Text: fmt.Sprintf("it can't be read: %v", err)}
}

// kind is what the rules of .helmignore ask of a file.
type kind struct {
	name string
	mode fs.FileMode
}

func (k kind) Name() string       { return path.Base(k.name) }
func (k kind) Mode() fs.FileMode  { return k.mode }
func (k kind) IsDir() bool        { return k.mode.IsDir() }
func (k kind) Size() int64        { return 0 }
func (k kind) ModTime() time.Time { return time.Time{} }
func (k kind) Sys() any           { return nil }
