package git

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// pack is a packfile with all that one commit needs. It is read through an
// open file, so it stays readable when the file's name goes away; the file is
// closed when the pack is garbage collected.
type pack struct {
	mu      sync.Mutex // go-git reads objects by seeking, and caches them
	objects *packfile.Packfile
}

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

// size is that of an object's content, found without unpacking it all.
func (p *pack) size(hash plumbing.Hash) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	offset, err := p.objects.FindOffset(hash)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", hash, err)
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

// complete makes sure that a commit and all of its files are there.
func (p *pack) complete(ctx context.Context, commit plumbing.Hash) error {
	if !p.has(commit) {
		return errNotOurs
	}
	root, err := p.root(commit)
	if err != nil {
		return err
	}
	return walk(ctx, root, p.entries, func(hash plumbing.Hash) error {
		if !p.has(hash) {
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
