// Package chart fetches what isn't in Git: Helm charts from chart repositories
// and registries, and other artifacts from registries.
//
// It speaks with them through clients that know of deadlines and limits.
// Helm's own have neither, and run programs to log in to registries.
package chart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// Store fetches charts and keeps those that were used last in a folder. It may
// be used by many goroutines, and its folder belongs to one process at a time.
type Store struct {
	credentials func(context.Context, gitindex.Repository) (git.Credentials, error)
	options     Options
	kept        kept
	indexes     indexes
}

var _ gitindex.Fetcher = (*Store)(nil)

// Options bound what a Store takes upon itself. Zero fields mean the defaults.
type Options struct {
	// Timeout is for one call of Resolve or Tree. 60 seconds by default.
	Timeout time.Duration
	// MaxIndexSize is the most that a chart repository's index may have, in
	// bytes. 128 MiB by default; only the part about one chart is kept in
	// memory, which may have a tenth of that.
	MaxIndexSize int64
	// MaxSize is the most that a chart may have, as it is transferred, in
	// bytes. 16 MiB by default.
	MaxSize int64
	// MaxUnpackedSize is the most that its files may have. 64 MiB by default.
	MaxUnpackedSize int64
	// MaxKept is the most that is kept on disk. 256 MiB by default.
	MaxKept int64
}

func (o Options) withDefaults() Options {
	fallback := func(n *int64, to int64) {
		if *n <= 0 {
			*n = to
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	fallback(&o.MaxIndexSize, 128<<20)
	fallback(&o.MaxSize, 16<<20)
	fallback(&o.MaxUnpackedSize, 64<<20)
	fallback(&o.MaxKept, 256<<20)
	return o
}

// New returns a Store that keeps charts below dir, which is made, for its owner
// alone, when it is first needed. The credentials for a repository that names a
// Secret are asked for each time they are needed, and an error should name it;
// where no Secrets are to be had, credentials may be nil.
func New(dir string, credentials func(context.Context, gitindex.Repository) (git.Credentials, error), options Options) *Store {
	options = options.withDefaults()
	return &Store{credentials: credentials, options: options, kept: kept{dir: dir, most: options.MaxKept}}
}

// place is where charts of a kind come from.
type place interface {
	// resolve finds the version that a repository's ref names.
	resolve(ctx context.Context) (version, error)
	// fetch gets the chart of a revision, as it is transferred.
	fetch(ctx context.Context, revision gitindex.Revision) (packed, error)
}

// version is one version of a chart. Its digest may be unknown until it is
// fetched.
type version struct{ name, digest string }

// packed is a chart, or another artifact, as a gzipped tar file.
type packed struct {
	data  []byte
	chart bool // its files are in one folder, which isn't part of their names
}

// Resolve implements gitindex.Fetcher. The ref's SemVer is a version or a range
// of versions, the newest that is no prerelease if empty; in a registry also any
// other tag, or a digest. The revision's commit is the digest, its name the
// version.
func (s *Store) Resolve(ctx context.Context, _ string, repository gitindex.Repository) (gitindex.Revision, error) {
	var revision gitindex.Revision
	err := s.within(ctx, repository, func(ctx context.Context, from place) error {
		found, err := from.resolve(ctx)
		if err != nil {
			return err
		}
		revision = gitindex.Revision{Name: found.name, Commit: found.digest}
		if found.digest != "" {
			return nil
		}
		got, err := from.fetch(ctx, revision)
		if err != nil {
			return err
		}
		revision.Commit = sum(got.data)
		return s.kept.put(revision.Commit, got)
	})
	if err != nil {
		return gitindex.Revision{}, err
	}
	return revision, nil
}

// Verify implements gitindex.Fetcher: no signature of a chart is known.
func (s *Store) Verify(context.Context, string, gitindex.Repository, gitindex.Revision) error {
	return errors.New("the signatures of charts aren't checked: leave verify out for them")
}

var digestLike = regexp.MustCompile("^[0-9a-f]{64}$")

// Tree implements gitindex.Fetcher. The root of the tree is the chart. It is in
// memory, so it stays readable.
func (s *Store) Tree(ctx context.Context, _ string, repository gitindex.Repository, revision gitindex.Revision) (fs.FS, error) {
	var tree fs.FS
	err := s.within(ctx, repository, func(ctx context.Context, from place) error {
		if !digestLike.MatchString(revision.Commit) {
			return fmt.Errorf("%q is not a digest", revision.Commit)
		}
		if got, ok := s.kept.get(revision.Commit); ok {
			var err error
			if tree, err = unpack(got, s.options.MaxUnpackedSize); err == nil {
				return nil
			}
		}
		got, err := from.fetch(ctx, revision)
		if err != nil {
			return err
		}
		if tree, err = unpack(got, s.options.MaxUnpackedSize); err != nil {
			return err
		}
		return s.kept.put(revision.Commit, got)
	})
	if err != nil {
		return nil, err
	}
	return tree, nil
}

// within talks with where a chart comes from in the time that there is, and
// says in an error what was being done.
func (s *Store) within(ctx context.Context, repository gitindex.Repository, do func(context.Context, place) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, &git.TimeoutError{After: s.options.Timeout})
	defer cancel()
	from, err := s.place(ctx, repository)
	if err == nil {
		err = do(ctx, from)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("fetching chart %s of %s: %w", repository.Chart, gitindex.Redact(repository.URL), err)
	}
	return nil
}

// place is where a repository's chart comes from, with the credentials for it.
func (s *Store) place(ctx context.Context, repository gitindex.Repository) (place, error) {
	scheme, _, _ := strings.Cut(repository.URL, "://")
	scheme = strings.ToLower(scheme)
	if scheme != "oci" && scheme != "https" && scheme != "http" {
		return nil, errors.New("that is not the URL of a chart repository: it begins with https://, http:// or oci://")
	}
	var c git.Credentials
	if repository.Secret != (gitindex.SecretRef{}) || repository.Certificates.Name != "" || repository.Proxy.Name != "" {
		if s.credentials == nil {
			return nil, fmt.Errorf("there is nowhere to read Secret %q from", repository.Secret.String())
		}
		var err error
		if c, err = s.credentials(ctx, repository); err != nil {
			return nil, err
		}
	}
	if scheme == "oci" {
		return newRegistry(repository, c, s.options)
	}
	return newIndexed(repository, c, s.options, &s.indexes)
}
