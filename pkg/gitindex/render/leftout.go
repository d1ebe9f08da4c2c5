package render

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// leftOut is an error where Auto comes to nothing because a folder holds Jsonnet
// only, and nobody said that it is to be evaluated: whoever named the folder takes
// its objects for guarded.
func (j *job) leftOut(at string) error {
	names, err := j.filesOf(at, gitindex.Directory{}, ".yaml", ".yml", ".json", ".jsonnet")
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains("/"+name, "/.") })
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return path.Ext(name) != ".jsonnet" }) {
		return nil
	}
	where := at
	if where == "." {
		where = "the repository"
	}
	return fmt.Errorf("%s holds Jsonnet only, which Auto leaves out: set render to Jsonnet for the path %s", where, path.Dir(names[0]))
}
