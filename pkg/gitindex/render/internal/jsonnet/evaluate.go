// Package jsonnet evaluates the Jsonnet files of a tree as Argo CD does.
package jsonnet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Job says what to evaluate.
type Job struct {
	Files  []string // in the tree
	Folder string   // the location's, where imports are looked for last
	Build  gitindex.JsonnetBuild
}

// Output is the JSON that each file comes to, or what is wrong with the first
// that is wrong.
type Output struct {
	JSON  []string
	Fault *Fault
}

// Fault is an error and its place. File is empty where it is unknown.
type Fault struct {
	File string
	Line int
	Text string
}

// Library is the folder of the tree that a library is named by.
func Library(name string) string { return path.Clean(strings.TrimLeft(name, "/")) }

// Evaluate evaluates the files. It may take any time, and any memory: the
// stack alone is bounded.
func Evaluate(tree fs.FS, job Job) Output {
	from := &importer{tree: tree, found: map[string]jsonnet.Contents{}}
	for _, library := range slices.Backward(job.Build.Libraries) {
		from.folders = append(from.folders, Library(library))
	}
	from.folders = append(from.folders, job.Folder)
	var out Output
	for _, file := range job.Files {
		text, err := machine(job.Build, from).EvaluateFile(file)
		if err != nil {
			return Output{Fault: fault(file, err)}
		}
		out.JSON = append(out.JSON, text)
	}
	return out
}

func machine(build gitindex.JsonnetBuild, from jsonnet.Importer) *jsonnet.VM {
	vm := jsonnet.MakeVM()
	vm.SetTraceOut(io.Discard)
	vm.Importer(from)
	for _, v := range build.ExtVars {
		if v.Code {
			vm.ExtCode(v.Name, v.Value)
		} else {
			vm.ExtVar(v.Name, v.Value)
		}
	}
	for _, v := range build.TLAs {
		if v.Code {
			vm.TLACode(v.Name, v.Value)
		} else {
			vm.TLAVar(v.Name, v.Value)
		}
	}
	return vm
}

// importer finds files in the tree: beside the file that imports, then in the
// folders.
type importer struct {
	tree    fs.FS
	folders []string
	found   map[string]jsonnet.Contents
}

func (i *importer) Import(from, name string) (jsonnet.Contents, string, error) {
	none := jsonnet.Contents{}
	if path.IsAbs(name) {
		return none, "", fmt.Errorf("import %q: the path is absolute: write it relative to this file, or to a library", name)
	}
	for _, folder := range append([]string{path.Dir(from)}, i.folders...) {
		at := path.Join(folder, name)
		if !fs.ValidPath(at) {
			continue
		}
		if contents, known := i.found[at]; known {
			return contents, at, nil
		}
		info, err := fs.Stat(i.tree, at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return none, "", fmt.Errorf("import %q: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return none, "", fmt.Errorf("import %q: %s is no file", name, at)
		}
		data, err := fs.ReadFile(i.tree, at)
		if err != nil {
			return none, "", fmt.Errorf("import %q: %w", name, err)
		}
		i.found[at] = jsonnet.MakeContentsRaw(data)
		return i.found[at], at, nil
	}
	return none, "", fmt.Errorf("import %q: neither beside this file nor in a library is such a file in the repository: correct the path, or add it", name)
}

var (
	// place is as Jsonnet writes it: file:3:4-8, or file:(3:4)-(5:6).
	place    = regexp.MustCompile(`(?:^|[\s])([^\s:]+):\(?(\d+):\d+`)
	preamble = regexp.MustCompile(`^(RUNTIME ERROR|STATIC ERROR|INTERNAL ERROR): `)
)

// fault takes the first line of an error, and the first place that it names.
func fault(file string, err error) *Fault {
	text := err.Error()
	f := &Fault{File: file}
	if at := place.FindStringSubmatch(text); at != nil {
		f.File = at[1]
		f.Line, _ = strconv.Atoi(at[2])
	}
	message, _, _ := strings.Cut(text, "\n")
	message = preamble.ReplaceAllString(message, "")
	if rest, ok := strings.CutPrefix(message, f.File+":"); ok {
		_, message, _ = strings.Cut(rest, " ")
	}
	f.Text = message
	return f
}
