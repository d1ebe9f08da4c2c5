package git

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// shelf is where the commits of one source are kept: a packfile each, named
// by the commit, and its index beside it. Between lock and unlock it belongs
// to the caller.
type shelf struct {
	dir    string
	limit  int64 // of an object, to be unpacked
	busy   chan struct{}
	signed *signatures // of the revision that was verified last; nil before
}

const (
	packSuffix = ".pack"
	keepPacks  = 2 // the current one, and the last for when a change is taken back
	partPrefix = "part-"
	partAge    = time.Hour // after which nobody can be writing any more
)

func newShelf(dir, source string, limit int64) *shelf {
	return &shelf{dir: filepath.Join(dir, folder(source)), limit: limit, busy: make(chan struct{}, 1)}
}

// folder is a name on disk for a source: one that people recognise, and that
// no other source has.
func folder(source string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		default:
			return '_'
		}
	}, source)
	sum := sha256.Sum256([]byte(source))
	return safe[:min(len(safe), 40)] + "." + hex.EncodeToString(sum[:6])
}

func (s *shelf) lock(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) unlock() { <-s.busy }

func (s *shelf) path(commit plumbing.Hash) string {
	return filepath.Join(s.dir, commit.String()+packSuffix)
}

// open opens a commit that is kept. One that is damaged is an error, until
// put replaces it.
func (s *shelf) open(commit plumbing.Hash) (*pack, error) {
	path := s.path(commit)
	p, err := openPack(path, s.limit)
	if err != nil {
		return nil, err
	}
	// Its age is the time since it was last needed.
	now := time.Now()
	_ = os.Chtimes(path, now, now)
	return p, nil
}

// put stores a packfile that is being received, as a commit whose files it
// has. Nothing is left behind of one that isn't whole.
func (s *shelf) put(ctx context.Context, commit plumbing.Hash, from io.Reader) (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("storing the commit: %w", err)
	}
	part, err := os.CreateTemp(s.dir, partPrefix+"*"+packSuffix)
	if err != nil {
		return fmt.Errorf("storing the commit: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(part.Name()))
		}
	}()
	_, err = io.Copy(part, from)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := indexPack(ctx, part.Name(), s.limit); err != nil {
		return fmt.Errorf("what the server sent is damaged: %w", err)
	}
	p, err := openPack(part.Name(), s.limit)
	if err != nil {
		return err
	}
	err = p.complete(ctx, commit)
	_ = p.objects.Close() // not every system renames open files
	if err != nil {
		return err
	}
	// The packfile comes last: it is what open looks for.
	final := s.path(commit)
	if err := os.Rename(indexOf(part.Name()), indexOf(final)); err != nil {
		return err
	}
	return os.Rename(part.Name(), final)
}

// tidy removes all but the packs that were needed last, and what an
// interrupted fetch left. Files that can't be removed, as open ones can't on
// some systems, are left for the next time.
func (s *shelf) tidy(current plumbing.Hash) {
	type kept struct {
		path string
		used time.Time
	}
	var packs []kept
	entries, _ := os.ReadDir(s.dir)
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		info, err := entry.Info()
		switch {
		case err != nil || path == s.path(current) || path == indexOf(s.path(current)):
		case strings.HasPrefix(entry.Name(), partPrefix):
			if time.Since(info.ModTime()) > partAge {
				_ = os.Remove(path)
			}
		case strings.HasSuffix(path, packSuffix):
			packs = append(packs, kept{path, info.ModTime()})
		}
	}
	slices.SortFunc(packs, func(a, b kept) int { return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.path, b.path)) })
	for i := keepPacks - 1; i < len(packs); i++ {
		_ = discard(packs[i].path)
	}
}

// discard removes a packfile and its index, if they are there.
func discard(path string) error {
	var errs []error
	for _, name := range []string{path, indexOf(path)} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var ourFolder = regexp.MustCompile(`\.[0-9a-f]{12}$`)

// removeOthers removes all folders of dir that are sources' but those to keep.
func removeOthers(dir string, keep map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() && ourFolder.MatchString(entry.Name()) && !keep[entry.Name()] {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}
