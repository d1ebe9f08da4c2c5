package git

import (
	"bytes"
	"context"
	"crypto/sha1" // Git's own checksum
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

func indexOf(packPath string) string { return packPath + ".idx" }

// openPack opens a packfile that indexPack has been at, and makes sure that
// neither file has changed since.
func openPack(path string) (*pack, error) {
	sum, err := checkSum(path)
	if err != nil {
		return nil, err
	}
	indexFile, err := os.Open(indexOf(path))
	if err != nil {
		return nil, err
	}
	defer indexFile.Close()
	index := idxfile.NewMemoryIndex()
	if err := idxfile.NewDecoder(indexFile).Decode(index); err != nil {
		return nil, fmt.Errorf("its index can't be read: %w", err)
	}
	if index.PackfileChecksum != sum {
		return nil, errors.New("its index is another packfile's")
	}
	file, err := osfs.New(filepath.Dir(path)).Open(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	return &pack{objects: packfile.NewPackfileWithCache(index, nil, file, cache.NewObjectLRU(deltaCache), 0)}, nil
}

// checkSum makes sure that a packfile ends in the checksum of what comes
// before, and returns that.
func checkSum(path string) (plumbing.Hash, error) {
	file, err := os.Open(path)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	content := info.Size() - sha1.Size
	if content < 0 {
		return plumbing.ZeroHash, errors.New("it is cut short")
	}
	hash := sha1.New()
	if _, err := io.CopyN(hash, file, content); err != nil {
		return plumbing.ZeroHash, err
	}
	var end plumbing.Hash
	if _, err := io.ReadFull(file, end[:]); err != nil {
		return plumbing.ZeroHash, err
	}
	if !bytes.Equal(hash.Sum(nil), end[:]) {
		return plumbing.ZeroHash, errors.New("its checksum is wrong")
	}
	return end, nil
}

// indexPack computes the hashes of all objects in a packfile and writes down
// where they are.
func indexPack(ctx context.Context, path string) error {
	if _, err := checkSum(path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(&contextFile{file, ctx}), writer)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(); err != nil {
		return err
	}
	index, err := writer.Index()
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

// contextFile ends long computations over a file.
type contextFile struct {
	*os.File
	ctx context.Context
}

func (f *contextFile) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}
