package backport

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/diff"
	linediff "github.com/go-git/go-git/v5/utils/diff"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// WritePatch writes edits of files in a tree as git diff would, in order of
// their names; nothing if there are none.
func WritePatch(w io.Writer, tree fs.FS, edits map[string]Edit) error {
	var patch gitPatch
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		info, err := fs.Stat(tree, name)
		if err != nil {
			return fmt.Errorf("writing the patch: %w", err)
		}
		mode := filemode.Regular
		if info.Mode()&0o100 != 0 {
			mode = filemode.Executable
		}
		patch = append(patch, &filePatch{
			from: gitFile{name, mode, edits[name].Before},
			to:   gitFile{name, mode, edits[name].After},
		})
	}
	if len(patch) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := diff.NewUnifiedEncoder(&b, diff.DefaultContextLines).Encode(patch); err != nil {
		return fmt.Errorf("writing the patch: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

type gitPatch []diff.FilePatch

func (p gitPatch) FilePatches() []diff.FilePatch { return p }
func (p gitPatch) Message() string               { return "" }

type filePatch struct{ from, to gitFile }

func (f *filePatch) IsBinary() bool              { return false }
func (f *filePatch) Files() (from, to diff.File) { return f.from, f.to }

func (f *filePatch) Chunks() []diff.Chunk {
	operations := map[diffmatchpatch.Operation]diff.Operation{
		diffmatchpatch.DiffEqual: diff.Equal, diffmatchpatch.DiffInsert: diff.Add, diffmatchpatch.DiffDelete: diff.Delete,
	}
	var chunks []diff.Chunk
	for _, d := range linediff.Do(string(f.from.content), string(f.to.content)) {
		chunks = append(chunks, chunk{d.Text, operations[d.Type]})
	}
	return chunks
}

type gitFile struct {
	name    string
	mode    filemode.FileMode
	content []byte
}

func (f gitFile) Hash() plumbing.Hash     { return plumbing.ComputeHash(plumbing.BlobObject, f.content) }
func (f gitFile) Mode() filemode.FileMode { return f.mode }
func (f gitFile) Path() string            { return f.name }

type chunk struct {
	content   string
	operation diff.Operation
}

func (c chunk) Content() string      { return c.content }
func (c chunk) Type() diff.Operation { return c.operation }
