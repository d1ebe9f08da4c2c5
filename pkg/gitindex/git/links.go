package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

const (
	maxLinks  = 40   // on the way to one file, as on Linux
	maxTarget = 4096 // bytes
)

// find walks from the root to a name. Symbolic links on the way are followed;
// one at its end is if follow is set.
func (t *tree) find(op, name string, follow bool) (node, error) {
	if !fs.ValidPath(name) {
		return node{}, pathError(op, name, fs.ErrInvalid)
	}
	n, err := t.walkTo(name, follow)
	if err != nil {
		return node{}, pathError(op, name, err)
	}
	n.name = path.Base(name)
	return n, nil
}

// step is one name on a way, and the link that put it there, if one did.
type step struct {
	name         string
	link, target string
}

func (t *tree) walkTo(name string, follow bool) (node, error) {
	at := []node{t.root} // the folders from the root to where the walk is
	rest := steps(name, "", "")
	for links := 0; len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		here := at[len(at)-1]
		switch next.name {
		case "", ".":
			continue
		case "..": // which only links have
			if len(at) == 1 {
				return node{}, naming(next.link, name, fmt.Errorf("symlink to %s leaves the repository", next.target))
			}
			if here.mode == filemode.Dir {
				at = at[:len(at)-1]
				continue
			}
		}
		n, err := t.child(here, next.name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && next.link != "":
			return node{}, naming(next.link, name, fmt.Errorf("symlink to %s: %w", next.target, err))
		case errors.Is(err, fs.ErrNotExist):
			return node{}, err
		case err != nil:
			return node{}, naming(place(at), name, err)
		case n.mode != filemode.Symlink || len(rest) == 0 && !follow:
			at = append(at, n)
			continue
		}

		link := place(append(at, n))
		if links++; links > maxLinks {
			return node{}, naming(link, name, fmt.Errorf("more than %d symlinks lead on from one to the next", maxLinks))
		}
		target, err := t.target(n)
		switch {
		case err != nil:
			return node{}, naming(link, name, err)
		case path.IsAbs(target):
			return node{}, naming(link, name, fmt.Errorf("symlink to %s leaves the repository", target))
		}
		rest = append(steps(target, link, target), rest...)
	}
	return at[len(at)-1], nil
}

func steps(way, link, target string) []step {
	var all []step
	for name := range strings.SplitSeq(way, "/") {
		all = append(all, step{name, link, target})
	}
	return all
}

func (t *tree) target(link node) (string, error) {
	size, err := t.pack.size(link.hash)
	if err != nil {
		return "", err
	}
	if size > maxTarget {
		return "", errors.New("the target of the symlink is too long")
	}
	target, err := t.pack.read(plumbing.BlobObject, link.hash)
	return string(target), err
}

// place is the path to where a walk is.
func place(at []node) string {
	names := make([]string, 0, len(at))
	for _, n := range at[1:] {
		names = append(names, n.name)
	}
	return path.Join(names...)
}

// naming says where an error is, if that isn't the name that was asked for.
func naming(place, name string, err error) error {
	if place == name {
		return err
	}
	return fmt.Errorf("%s: %w", place, err)
}
