package render

import (
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// missingPath is the error of a location whose path is not in the tree.
type missingPath struct {
	path   string
	parent string   // the closest folder that exists
	names  []string // what it holds
	field  string   // that names the path
}

// maxNames is how many names an error lists.
const maxNames = 10

func missing(files fs.FS, at gitindex.Location) error {
	e := &missingPath{path: at.Path, parent: path.Dir(at.Path), field: "spec.git.paths[].path"}
	if !reflect.ValueOf(at.Build).IsZero() { // an agent's: a GitSource says nothing else of a path
		e.field = "the path that the agent's object names"
	}
	for ; e.parent != "."; e.parent = path.Dir(e.parent) {
		if info, err := fs.Stat(files, e.parent); err == nil && info.IsDir() {
			break
		}
	}
	entries, err := fs.ReadDir(files, e.parent)
	if err != nil {
		return e
	}
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			e.names = append(e.names, entry.Name())
		}
	}
	return e
}

func (e *missingPath) Error() string {
	where := e.parent
	if where == "." {
		where = "the repository"
	}
	if len(e.names) == 0 {
		return fmt.Sprintf("%s does not exist: %s has no folders; correct %s", e.path, where, e.field)
	}
	names := e.names
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], fmt.Sprintf(" and %d more", len(names)-maxNames)
	}
	return fmt.Sprintf("%s does not exist: %s has %s%s; correct %s",
		e.path, where, strings.Join(names, ", "), more, e.field)
}

func (e *missingPath) Unwrap() error { return fs.ErrNotExist }
