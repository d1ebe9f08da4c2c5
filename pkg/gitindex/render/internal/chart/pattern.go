package chart

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// matches are the files of the tree that a pattern matches.
func matches(tree fs.FS, pattern string) ([]string, *Fault) {
	matcher, err := regexp.Compile(expression(pattern))
	if err != nil {
		return nil, &Fault{Text: fmt.Sprintf("the value file pattern %s can't be read: correct it in the source", pattern)}
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

// expression turns a pattern into a regular expression. * stops at a slash, **
// does not.
func expression(pattern string) string {
	var b strings.Builder
	b.WriteString("^(?s:")
	depth := 0
	for rest := pattern; rest != ""; {
		token := rest[:1]
		switch {
		case strings.HasPrefix(rest, "**/"):
			token = rest[:3]
			b.WriteString("(?:.*/)?")
		case strings.HasPrefix(rest, "**"):
			token = rest[:2]
			b.WriteString(".*")
		case token == "*":
			b.WriteString("[^/]*")
		case token == "?":
			b.WriteString("[^/]")
		case token == "[":
			if end := strings.IndexByte(rest, ']'); end > 1 {
				token = rest[:end+1]
			}
			class := strings.NewReplacer("[!", "[^", `\`, `\\`).Replace(token)
			b.WriteString(class)
		case token == "{":
			depth++
			b.WriteString("(?:")
		case token == "}" && depth > 0:
			depth--
			b.WriteString(")")
		case token == "," && depth > 0:
			b.WriteString("|")
		default:
			b.WriteString(regexp.QuoteMeta(token))
		}
		rest = rest[len(token):]
	}
	b.WriteString(")$")
	return b.String()
}
