package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is how many links one path may go through.
const maxLinks = 40

var errLinks = errors.New("too many symbolic links")

// resolve returns a path without symbolic links in it, as far as the tree
// tells of links. Kustomize takes relative paths from there.
func resolve(files fs.FS, name string) (string, error) {
	if _, ok := files.(fs.ReadLinkFS); !ok {
		return name, nil
	}
	done, rest := ".", name
	for links := 0; rest != "" && rest != "."; {
		var step string
		step, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, step)
		if !fs.ValidPath(next) {
			return name, fmt.Errorf("%s: %w", name, errOutside)
		}
		info, err := fs.Lstat(files, next)
		if err != nil {
			return name, err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		target, err := fs.ReadLink(files, next)
		if err != nil {
			return name, err
		}
		if links++; links > maxLinks {
			return name, fmt.Errorf("%s: %w", name, errLinks)
		}
		if path.IsAbs(target) {
			return name, fmt.Errorf("%s: %w", name, errOutside)
		}
		rest = path.Join(target, rest)
	}
	return done, nil
}
