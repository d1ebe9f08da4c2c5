package chart

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex/glob"
)

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// matches are the files of the tree that a pattern matches.
func matches(tree fs.FS, pattern string) ([]string, *Fault) {
	matcher, err := glob.CompilePath(pattern)
	if err != nil {
		return nil, &Fault{Text: fmt.Sprintf("the value file pattern %s can't be read (%v): correct it in the source", pattern, err)}
	}
	from := path.Dir(pattern[:strings.IndexAny(pattern, "*?[")] + "x")
	found := map[string]bool{}
	var walk func(folder string, depth int)
	walk = func(folder string, depth int) {
		entries, err := fs.ReadDir(tree, folder)
		if err != nil || depth > maxDepth {
			return
		}
		for _, entry := range entries {
			at := path.Join(folder, entry.Name())
			if entry.IsDir() {
				walk(at, depth+1)
			} else if matcher.MatchString(at) {
				found[at] = true
			}
		}
	}
	walk(from, 0)
	return slices.Sorted(maps.Keys(found)), nil
}
