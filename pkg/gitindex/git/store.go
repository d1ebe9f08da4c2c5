// Package git fetches what Git holds. It is the only place that knows how:
// protocols, credentials, and how a commit is kept on disk.
package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Store fetches commits and keeps the newest of each source in a folder, so
// that they can be read without asking again, also after a restart while the
// Git server is away.
//
// It fetches a commit as one packfile, without its history, and never changes
// it again. Each source keeps its last two. A tree that was handed out holds
// its packfile open, so it stays readable after that file was removed, until
// the tree is garbage collected.
//
// A Store may be used by many goroutines, and its folder belongs to one
// process at a time.
type Store struct {
	dir         string
	credentials func(context.Context, gitindex.Repository) (Credentials, error)
	tokens      githubTokens
	options     Options

	mu      sync.Mutex
	shelves map[string]*shelf // by source
}

var _ gitindex.Fetcher = (*Store)(nil)

// New returns a Store that keeps commits below dir, which is made, for its
// owner alone, when it is first needed. The credentials for a repository that
// names a Secret are asked for each time they are needed, and an error should
// name it; where no Secrets are to be had, credentials may be nil.
func New(dir string, credentials func(context.Context, gitindex.Repository) (Credentials, error), options Options) *Store {
	return &Store{
		dir:         dir,
		credentials: credentials,
		options:     options.withDefaults(),
		shelves:     map[string]*shelf{},
	}
}

// Resolve implements gitindex.Fetcher. A ref that is a commit names itself:
// the remote isn't asked, and whether it has the commit shows in Tree.
func (s *Store) Resolve(ctx context.Context, _ string, repository gitindex.Repository) (gitindex.Revision, error) {
	repository = settled(repository)
	a, err := parseAddress(repository.URL)
	if err != nil {
		return gitindex.Revision{}, err
	}
	var revision gitindex.Revision
	err = s.within(ctx, a, func(ctx context.Context) error {
		if err := checkRef(repository.Ref); err != nil {
			return err
		}
		if commit := repository.Ref.Commit; commit != "" {
			revision, err = pinned(commit)
			return err
		}
		r, found, err := s.ask(ctx, a, repository)
		if err != nil {
			return err
		}
		defer r.Close()
		if revision, err = resolve(repository.Ref, found); err == nil && repository.Verify.Mode != gitindex.VerifyNothing {
			revision.Tag = found.annotated(repository.Ref, revision)
		}
		return err
	})
	return revision, err
}

// Tree implements gitindex.Fetcher. The tree also implements fs.ReadFileFS,
// fs.ReadDirFS, fs.StatFS and fs.ReadLinkFS, and may be read by many
// goroutines.
//
// Symbolic links are followed within the tree, except by Lstat and ReadLink;
// one that leads out of it is an error. So are submodules, which aren't
// fetched, and reading a file that is larger than Options.MaxFileSize. Where
// such a file's size can't be told without unpacking it, it is just over that.
//
// FileInfo.Sys is a string: Git's hash of the content. That of a file changes
// exactly with its bytes. That of a folder changes with anything below it,
// but not with what symbolic links below it lead to elsewhere.
func (s *Store) Tree(ctx context.Context, source string, repository gitindex.Repository, revision gitindex.Revision) (fs.FS, error) {
	repository = settled(repository)
	a, err := parseAddress(repository.URL)
	if err != nil {
		return nil, err
	}
	var t *tree
	err = s.within(ctx, a, func(ctx context.Context) error {
		named, err := pinned(revision.Commit)
		if err != nil {
			return err
		}
		commit := plumbing.NewHash(named.Commit)
		shelf := s.shelf(source)
		if err := shelf.lock(ctx); err != nil {
			return err
		}
		defer shelf.unlock()
		p, _, err := s.pack(ctx, shelf, a, repository, gitindex.Revision{Name: revision.Name, Commit: named.Commit, Tag: revision.Tag})
		if err != nil {
			return err
		}
		shelf.tidy(commit)
		t, err = newTree(p, commit, s.options.MaxFileSize)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// pack is a revision's pack: the one on the shelf, if all is in it, or one that
// is fetched.
func (s *Store) pack(ctx context.Context, from *shelf, a address, repository gitindex.Repository, revision gitindex.Revision) (p *pack, fetched bool, err error) {
	p, err = from.open(plumbing.NewHash(revision.Commit))
	if err == nil && (revision.Tag == "" || p.has(plumbing.NewHash(revision.Tag))) {
		return p, false, nil
	}
	p, err = s.fetch(ctx, from, a, repository, revision)
	return p, err == nil, err
}

// Retain removes what is kept of all sources but these.
func (s *Store) Retain(sources []string) error {
	keep := make(map[string]bool, len(sources))
	for _, source := range sources {
		keep[folder(source)] = true
	}
	return removeOthers(s.dir, keep)
}

func (s *Store) shelf(source string) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.shelves[source]
	if !ok {
		known = newShelf(s.dir, source, max(s.options.MaxFileSize, maxFolder))
		s.shelves[source] = known
	}
	return known
}

// within runs a conversation with a repository in the time that it has, and
// says in an error what was being done.
func (s *Store) within(ctx context.Context, a address, do func(context.Context) error) error {
	timeout := &TimeoutError{After: s.options.Timeout}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout.After, timeout)
	defer cancel()
	err := do(ctx)
	var unconnected *connectError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("fetching %s: %w", a.shown, context.Cause(ctx))
	case errors.As(err, &unconnected):
		return fmt.Errorf("connecting to %s: %w", a.shown, unconnected.err)
	default:
		return fmt.Errorf("fetching %s: %w", a.shown, err)
	}
}

// TimeoutError is the end of the time that a server was given. It is
// context.DeadlineExceeded.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the server did not answer in full within %s", e.After)
}

func (*TimeoutError) Unwrap() error { return context.DeadlineExceeded }
