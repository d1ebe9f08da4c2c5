package gitindex

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DiskCache keeps the last good state of each source in a file of its own, so
// that a restarted process can serve while Git is out of reach. The files
// hold rendered manifests, Secrets among them, and only their owner can read
// them. What Git holds encrypted isn't in clear in them either. A file's modification time is the source's CheckedAt.
//
// One process at a time may use a directory.
type DiskCache struct{ dir string }

// The names of our files in the directory.
const (
	fileSuffix  = ".index.gz"
	tempPattern = "new-*.index.tmp"
	tempSuffix  = ".index.tmp"
)

// NewDiskCache returns a cache in dir, which is made when the first source is
// saved, and closed to other users if it was open. Other files in it are left
// alone.
func NewDiskCache(dir string) *DiskCache { return &DiskCache{dir: dir} }

// load returns the saved state of a source, if there is one for its
// repository and ref. Its locations are those it was saved with. Inputs are
// not kept.
func (c *DiskCache) load(source Source) (state SourceState, found bool, err error) {
	f, err := os.Open(c.path(source.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return SourceState{}, false, nil
	}
	if err != nil {
		return SourceState{}, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return SourceState{}, false, err
	}
	state, err = decodeState(bufio.NewReader(f))
	if err != nil {
		return SourceState{}, false, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	if !sameRepository(state.Source, source) {
		return SourceState{}, false, nil
	}
	state.CheckedAt = info.ModTime()
	return state, true, nil
}

func sameRepository(saved, source Source) bool {
	return saved.Name == source.Name &&
		saved.Repository.URL == Redact(source.Repository.URL) &&
		saved.Repository.Ref == source.Repository.Ref
}

// save replaces the source's file. Either the old one or the new one is
// there, whole, whenever the machine stops.
func (c *DiskCache) save(state SourceState) error {
	path := c.path(state.Source.Name)
	if err := c.replace(path, state); err != nil {
		// A temporary name, new each time, would make each error a new one.
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		if l, ok := errors.AsType[*os.LinkError](err); ok {
			err = l.Err
		}
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func (c *DiskCache) replace(path string, state SourceState) error {
	if err := c.makeDir(); err != nil {
		return err
	}
	temp, err := os.CreateTemp(c.dir, tempPattern)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // unless renamed
	defer temp.Close()
	w := bufio.NewWriter(temp)
	if err := encodeState(w, state); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := os.Chtimes(temp.Name(), time.Time{}, state.CheckedAt); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return c.sync()
}

func (c *DiskCache) makeDir() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(c.dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	return os.Chmod(c.dir, 0o700)
}

// sync makes a rename safe.
func (c *DiskCache) sync() error {
	dir, err := os.Open(c.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// touch notes in the source's file when its revision was last checked.
func (c *DiskCache) touch(state SourceState) error {
	return os.Chtimes(c.path(state.Source.Name), time.Time{}, state.CheckedAt)
}

// remove deletes the source's file, if there is one.
func (c *DiskCache) remove(source string) error {
	if err := os.Remove(c.path(source)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep deletes the files of all other sources, and what interrupted writes
// left. No write may be under way.
func (c *DiskCache) sweep(sources []string) error {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, source := range sources {
		wanted[filepath.Base(c.path(source))] = true
	}
	var errs []error
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, tempSuffix) || strings.HasSuffix(name, fileSuffix) && !wanted[name] {
			errs = append(errs, os.Remove(filepath.Join(c.dir, name)))
		}
	}
	return errors.Join(errs...)
}

// path is the file of a source: some of its name, for people, and a hash of
// all of it, so that no two sources share one.
func (c *DiskCache) path(source string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	readable := strings.Map(func(r rune) rune {
		if strings.ContainsRune(allowed, r) {
			return r
		}
		return '-'
	}, source)
	hash := sha256.Sum256([]byte(source))
	return filepath.Join(c.dir, readable[:min(len(readable), 40)]+"-"+hex.EncodeToString(hash[:16])+fileSuffix)
}
