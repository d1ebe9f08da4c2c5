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
func openPack(path string, limit int64) (*pack, error) {
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
	p := &pack{objects: packfile.NewPackfileWithCache(index, nil, file, cache.NewObjectLRU(deltaCache), 0), limit: limit}
	_, count, err := p.objects.Scanner().Header()
	if err != nil {
		return nil, err
	}
	indexed, err := index.Count()
	p.left = int64(count) - indexed
	return p, err
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
