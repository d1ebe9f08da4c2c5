package render

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// missingPath is the error of a location whose path is not in the tree.
type missingPath struct {
	path   string
	parent string   // the closest folder that exists
	names  []string // what it holds
}

// maxNames is how many names an error lists.
const maxNames = 10

func missing(files fs.FS, at string) error {
	e := &missingPath{path: at, parent: path.Dir(at)}
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
		return fmt.Sprintf("%s does not exist: %s has no folders; correct the path of the location", e.path, where)
	}
	names := e.names
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], fmt.Sprintf(" and %d more", len(names)-maxNames)
	}
	return fmt.Sprintf("%s does not exist: %s has %s%s; correct the path of the location",
		e.path, where, strings.Join(names, ", "), more)
}

func (e *missingPath) Unwrap() error { return fs.ErrNotExist }
