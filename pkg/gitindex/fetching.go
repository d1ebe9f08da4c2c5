package gitindex

import (
	"context"
	"io/fs"
)

// Fetcher gets commits from a repository.
type Fetcher interface {
	// Resolve asks the remote which commit the repository's ref names now. It
	// fetches no files.
	Resolve(ctx context.Context, source string, repository Repository) (Revision, error)

	// Verify checks that a revision is signed as repository.Verify asks, with
	// the keys as they are now; without an error it is, and with an Unverified
	// one it isn't. The commit is got from the local store if it is there, else
	// from the remote. It is called only where something is asked for.
	Verify(ctx context.Context, source string, repository Repository, revision Revision) error

	// Tree returns the files of a commit, from the local store if they are
	// there, else from the remote. The tree stays readable until it is closed
	// by garbage collection, whatever is fetched later.
	Tree(ctx context.Context, source string, repository Repository, revision Revision) (fs.FS, error)
}

// Unverified is the error of a revision that isn't signed as it has to be; not
// that nobody could look.
type Unverified struct{ Err error }

func (u *Unverified) Error() string { return u.Err.Error() }

func (u *Unverified) Unwrap() error { return u.Err }
