package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// indexPack computes the hashes of the objects in a packfile and writes down
// where they are. None that is larger than limit is held in memory, so an
// object that can't be had without one, as a delta, is left out.
//
// go-git's own parser holds the largest object whole, two or three times over.
func indexPack(ctx context.Context, path string, limit int64) error {
	sum, err := checkSum(path)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	x := &indexer{
		scanner: packfile.NewScanner(&contextFile{file, ctx}),
		limit:   limit,
		bases:   cache.NewBufferLRU(cache.FileSize(2 * limit)),
		named:   map[plumbing.Hash][]*packed{},
	}
	if err := x.scan(); err != nil {
		return err
	}
	if err := x.resolve(); err != nil {
		return err
	}
	if err := x.writer.OnFooter(sum); err != nil {
		return err
	}
	index, err := x.writer.Index()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(indexOf(path), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = idxfile.NewEncoder(out).Encode(index)
	return errors.Join(err, out.Close())
}

// packed is an object as a packfile has it: whole, or as a delta to another.
type packed struct {
	offset int64
	crc    uint32
	hash   plumbing.Hash       // once it is known
	kind   plumbing.ObjectType // of a delta, that of its base once that is known
	large  bool                // it, or a delta on the way to it, is over the limit
	depth  int                 // how many deltas lead to it
	base   *packed             // of a delta, once that is known
	deltas []*packed           // to this one
}

// maxDepth is Git's own limit to deltas of deltas.
const maxDepth = 4095

type indexer struct {
	scanner *packfile.Scanner
	limit   int64
	writer  idxfile.Writer
	bases   *cache.BufferLRU // contents, by offset
	whole   []*packed
	named   map[plumbing.Hash][]*packed // deltas, by their base's hash, until that is found
	left    int                         // deltas that were left out
}

// scan goes through the packfile once. What is whole gets its hash.
func (x *indexer) scan() error {
	_, count, err := x.scanner.Header()
	if err != nil {
		return err
	}
	at := map[int64]*packed{}
	for range count {
		h, err := x.scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		o := &packed{offset: h.Offset, kind: h.Type, large: h.Length > x.limit}
		at[o.offset] = o
		if !o.kind.IsDelta() {
			hasher := plumbing.NewHasher(h.Type, h.Length)
			if _, o.crc, err = x.scanner.NextObject(hasher); err != nil {
				return err
			}
			o.hash = hasher.Sum()
			x.writer.Add(o.hash, uint64(o.offset), o.crc)
			x.whole = append(x.whole, o)
			continue
		}
		head := new(beginning)
		if _, o.crc, err = x.scanner.NextObject(head); err != nil {
			return err
		}
		if err := o.measure(head.kept, x.limit); err != nil {
			return err
		}
		if h.Type == plumbing.REFDeltaObject {
			x.named[h.Reference] = append(x.named[h.Reference], o)
			continue
		}
		base := at[h.OffsetReference]
		if base == nil {
			return fmt.Errorf("%w: a delta to what is no object", packfile.ErrMalformedPackFile)
		}
		base.add(o)
	}
	return nil
}

// measure reads what a delta begins with: the sizes of its base and its result.
func (o *packed) measure(delta []byte, limit int64) error {
	from, n := binary.Uvarint(delta)
	if n <= 0 {
		return packfile.ErrInvalidDelta
	}
	to, n := binary.Uvarint(delta[n:])
	if n <= 0 {
		return packfile.ErrInvalidDelta
	}
	o.large = o.large || from > uint64(limit) || to > uint64(limit)
	return nil
}

func (o *packed) add(delta *packed) {
	delta.base = o
	o.deltas = append(o.deltas, delta)
}

// resolve gets the hashes of deltas, each after its base's.
func (x *indexer) resolve() error {
	for _, o := range x.whole {
		for todo := x.deltasTo(o); len(todo) > 0; {
			delta := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if err := x.apply(delta); err != nil {
				return err
			}
			todo = append(todo, x.deltasTo(delta)...)
		}
	}
	if len(x.named) > 0 && x.left == 0 {
		return packfile.ErrReferenceDeltaNotFound
	}
	return nil
}

// deltasTo adds those that name their base by its hash.
func (x *indexer) deltasTo(o *packed) []*packed {
	for _, delta := range x.named[o.hash] {
		o.add(delta)
	}
	delete(x.named, o.hash)
	return o.deltas
}

// apply gets the hash of a delta, unless it takes too much for that.
func (x *indexer) apply(o *packed) error {
	o.kind, o.depth, o.large = o.base.kind, o.base.depth+1, o.large || o.base.large
	if o.depth > maxDepth {
		return fmt.Errorf("%w: more than %d deltas on top of one another", packfile.ErrMalformedPackFile, maxDepth)
	}
	if o.large {
		x.left++
		return nil
	}
	content, err := x.content(o)
	if err != nil {
		return err
	}
	o.hash = plumbing.ComputeHash(o.kind, content)
	x.writer.Add(o.hash, uint64(o.offset), o.crc)
	return nil
}

// content is that of an object which isn't large, nor is what it builds on.
func (x *indexer) content(o *packed) ([]byte, error) {
	var deltas []*packed
	known, ok := x.bases.Get(o.offset)
	for ; !ok && o.base != nil; known, ok = x.bases.Get(o.offset) {
		deltas = append(deltas, o)
		o = o.base
	}
	if !ok {
		var err error
		if known, err = x.unpack(o); err != nil {
			return nil, err
		}
		x.bases.Put(o.offset, known)
	}
	for _, o := range slices.Backward(deltas) {
		delta, err := x.unpack(o)
		if err != nil {
			return nil, err
		}
		if known, err = packfile.PatchDelta(known, delta); err != nil {
			return nil, err
		}
		x.bases.Put(o.offset, known)
	}
	return known, nil
}

// unpack is what the packfile has of an object: its content, or a delta.
func (x *indexer) unpack(o *packed) ([]byte, error) {
	if _, err := x.scanner.SeekObjectHeader(o.offset); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, _, err := x.scanner.NextObject(&content)
	return content.Bytes(), err
}
