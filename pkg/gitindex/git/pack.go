package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// pack is a packfile with all that one commit needs. It is read through an
// open file, so it stays readable when the file's name goes away; the file is
// closed when the pack is garbage collected.
type pack struct {
	mu      sync.Mutex // go-git reads objects by seeking, and caches them
	objects *packfile.Packfile
	limit   int64 // of an object, to be unpacked
	left    int64 // how many objects have no hash, as that would have taken one over the limit
}

// maxFolder is the most that a folder or a commit may have, as Git writes it:
// some 400 000 names.
const maxFolder = 16 << 20

// errLeftOut is the error for an object that only unpacking a larger one than
// the limit, or this one, would find.
var errLeftOut = errors.New("it is too large to be unpacked")

// deltaCache is how much of what deltas build on is kept in memory.
const deltaCache = 4 * cache.MiByte

// read returns the content of an object, which the caller then owns.
func (p *pack) read(kind plumbing.ObjectType, hash plumbing.Hash) ([]byte, error) {
	o, err := p.get(kind, hash)
	if err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (p *pack) get(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size, err := p.measure(hash)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, hash, err)
	}
	if size > p.limit {
		return nil, fmt.Errorf("%s %s has %s, which is more than the limit of %s", kind, hash, gitindex.BytesText(size), gitindex.BytesText(p.limit))
	}
	o, err := p.objects.Get(hash)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, hash, err)
	}
	switch {
	case o.Hash() != hash:
		return nil, fmt.Errorf("%s %s is damaged", kind, hash)
	case o.Type() != kind:
		return nil, fmt.Errorf("%s is a %s, not a %s", hash, o.Type(), kind)
	}
	return o, nil
}

// size is that of an object's content, found without unpacking it all. The
// error is errLeftOut for one whose size can't be told for that.
func (p *pack) size(hash plumbing.Hash) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size, err := p.measure(hash)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", hash, err)
	}
	return size, nil
}

func (p *pack) measure(hash plumbing.Hash) (int64, error) {
	offset, err := p.objects.FindOffset(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) && p.left > 0 {
		return 0, errLeftOut
	}
	if err != nil {
		return 0, err
	}
	return p.objects.GetSizeByOffset(offset)
}

func (p *pack) has(hash plumbing.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.objects.Contains(hash)
	return err == nil && found
}

func (p *pack) entries(tree plumbing.Hash) ([]object.TreeEntry, error) {
	o, err := p.get(plumbing.TreeObject, tree)
	if err != nil {
		return nil, err
	}
	var decoded object.Tree
	if err := decoded.Decode(o); err != nil {
		return nil, fmt.Errorf("tree %s: %w", tree, err)
	}
	return decoded.Entries, nil
}

// root is the hash of a commit's tree.
func (p *pack) root(commit plumbing.Hash) (plumbing.Hash, error) {
	o, err := p.get(plumbing.CommitObject, commit)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var decoded object.Commit
	if err := decoded.Decode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("commit %s: %w", commit, err)
	}
	return decoded.TreeHash, nil
}

// complete makes sure that a commit and all of its files are there, but for
// files that are too large to be unpacked.
func (p *pack) complete(ctx context.Context, commit plumbing.Hash) error {
	if !p.has(commit) {
		return errNotOurs
	}
	root, err := p.root(commit)
	if err != nil {
		return err
	}
	lacking := int64(0)
	return walk(ctx, root, p.entries, func(hash plumbing.Hash) error {
		if p.has(hash) {
			return nil
		}
		if lacking++; lacking > p.left {
			return fmt.Errorf("what the server sent lacks object %s of commit %s", hash, commit)
		}
		return nil
	})
}

// walk visits each tree and blob below a tree once, the tree itself included.
func walk(ctx context.Context, tree plumbing.Hash, entries func(plumbing.Hash) ([]object.TreeEntry, error),
	visit func(plumbing.Hash) error) error {
	seen := map[plumbing.Hash]bool{tree: true}
	for trees := []plumbing.Hash{tree}; len(trees) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := trees[len(trees)-1]
		trees = trees[:len(trees)-1]
		if err := visit(next); err != nil {
			return err
		}
		list, err := entries(next)
		if err != nil {
			return err
		}
		for _, entry := range list {
			switch {
			case entry.Mode == filemode.Submodule || seen[entry.Hash]:
				continue
			case entry.Mode == filemode.Dir:
				trees = append(trees, entry.Hash)
			default:
				if err := visit(entry.Hash); err != nil {
					return err
				}
			}
			seen[entry.Hash] = true
		}
	}
	return nil
}
