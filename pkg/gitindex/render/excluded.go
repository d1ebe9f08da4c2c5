package render

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// exclusion tells which files of a tree the agent doesn't take. For Flux that
// are those of its defaults, of the .sourceignore files above a file, and of
// the source's own patterns, the last that matches deciding; and all links.
type exclusion struct {
	files    exclusionFiles
	patterns []gitignore.Pattern
	flux     bool
	negated  bool                           // a pattern takes files in again
	known    map[string][]gitignore.Pattern // of .sourceignore files, by folder, with those above it
	matchers map[string]gitignore.Matcher   // by folder
	links    map[string]bool                // folders that are links, or below one
}

// exclusionFiles is what an exclusion looks at.
type exclusionFiles interface {
	fs.ReadFileFS
	fs.ReadDirFS
	Lstat(name string) (fs.FileInfo, error)
}

// newExclusion returns nil if all files are taken.
func newExclusion(files exclusionFiles, build gitindex.Build) *exclusion {
	if !build.Flux && build.Excluded == "" {
		return nil
	}
	return &exclusion{
		files:    files,
		patterns: sourceignore.ReadPatterns(strings.NewReader(build.Excluded), nil),
		flux:     build.Flux,
		negated:  negates([]byte(build.Excluded)),
		known:    map[string][]gitignore.Pattern{},
		matchers: map[string]gitignore.Matcher{},
		links:    map[string]bool{".": false},
	}
}

func negates(patterns []byte) bool {
	return bytes.HasPrefix(patterns, []byte("!")) || bytes.Contains(patterns, []byte("\n!"))
}

// hides tells whether there is nothing at a path as the agent sees it.
func (x *exclusion) hides(name string, folder bool) bool {
	if x == nil || name == "." {
		return false
	}
	if x.flux && x.link(name) {
		return true
	}
	hidden := x.matcher(path.Dir(name)).Match(strings.Split(name, "/"), folder)
	return hidden && !(folder && x.negated && x.holds(name))
}

// matcher tells what is hidden of a folder's entries.
func (x *exclusion) matcher(dir string) gitignore.Matcher {
	if known, ok := x.matchers[dir]; ok {
		return known
	}
	var patterns []gitignore.Pattern
	if x.flux {
		patterns = slices.Concat(sourceignore.VCSPatterns(nil), sourceignore.DefaultPatterns(nil), x.above(dir))
	}
	x.matchers[dir] = sourceignore.NewMatcher(append(patterns, x.patterns...))
	return x.matchers[dir]
}

// holds tells whether anything in a folder is taken.
func (x *exclusion) holds(dir string) bool {
	entries, err := x.files.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return !x.hides(path.Join(dir, entry.Name()), entry.IsDir())
	})
}

// above are the patterns of the .sourceignore files in a folder and above it.
func (x *exclusion) above(dir string) []gitignore.Pattern {
	if known, ok := x.known[dir]; ok {
		return known
	}
	var patterns []gitignore.Pattern
	var domain []string
	if dir != "." {
		patterns = x.above(path.Dir(dir))
		domain = strings.Split(dir, "/")
	}
	if data, err := x.files.ReadFile(path.Join(dir, sourceignore.IgnoreFile)); err == nil {
		x.negated = x.negated || negates(data)
		patterns = slices.Concat(patterns, sourceignore.ReadPatterns(bytes.NewReader(data), domain))
	}
	x.known[dir] = patterns
	return patterns
}

// link tells whether there is a symbolic link on the way to a path.
func (x *exclusion) link(name string) bool {
	if known, ok := x.links[name]; ok {
		return known
	}
	is := x.link(path.Dir(name))
	if !is {
		info, err := x.files.Lstat(name)
		is = err == nil && info.Mode().Type() == fs.ModeSymlink
	}
	x.links[name] = is
	return is
}
