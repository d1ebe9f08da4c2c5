package chart

import (
	"context"
	"io/fs"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Both fetches charts from Charts, and everything else from Git.
type Both struct{ Git, Charts gitindex.Fetcher }

var _ gitindex.Fetcher = Both{}

// Resolve implements gitindex.Fetcher.
func (b Both) Resolve(ctx context.Context, source string, repository gitindex.Repository) (gitindex.Revision, error) {
	return b.of(repository).Resolve(ctx, source, repository)
}

// Verify implements gitindex.Fetcher.
func (b Both) Verify(ctx context.Context, source string, repository gitindex.Repository, revision gitindex.Revision) error {
	return b.of(repository).Verify(ctx, source, repository, revision)
}

// Tree implements gitindex.Fetcher.
func (b Both) Tree(ctx context.Context, source string, repository gitindex.Repository, revision gitindex.Revision) (fs.FS, error) {
	return b.of(repository).Tree(ctx, source, repository, revision)
}

func (b Both) of(repository gitindex.Repository) gitindex.Fetcher {
	if repository.Chart != "" {
		return b.Charts
	}
	return b.Git
}
