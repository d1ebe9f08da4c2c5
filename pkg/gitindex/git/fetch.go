package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// ask connects to a repository and gets its refs. The caller closes the
// remote.
func (s *Store) ask(ctx context.Context, a address, repository gitindex.Repository) (remote, *refs, error) {
	who, err := s.access(ctx, a, repository)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.connect(ctx, a, who)
	if err != nil {
		return nil, nil, err
	}
	found, err := r.refs(ctx)
	if err != nil {
		_ = r.Close()
		return nil, nil, err
	}
	return r, found, nil
}

// access reads the credentials for a repository.
func (s *Store) access(ctx context.Context, a address, repository gitindex.Repository) (access, error) {
	who := access{from: repository.Secret}
	if repository.Secret == (gitindex.SecretRef{}) && repository.Certificates.Name == "" && repository.Proxy.Name == "" {
		return who, nil
	}
	if s.credentials == nil {
		return who, fmt.Errorf("there is nowhere to read Secret %q from", repository.Secret.String())
	}
	var err error
	if who.Credentials, err = s.credentials(ctx, repository); err != nil {
		return who, err
	}
	overHTTP := a.scheme == "https" || a.scheme == "http"
	if who.App != nil && overHTTP && who.Password == "" && who.BearerToken == "" {
		who.Username = "x-access-token" // what GitHub calls the user of a token
		who.Password, err = s.tokens.token(ctx, who, ownerOf(a.path))
	}
	return who, err
}

// fetch gets a commit from the remote onto the shelf.
func (s *Store) fetch(ctx context.Context, to *shelf, a address, repository gitindex.Repository, revision gitindex.Revision) (*pack, error) {
	r, found, err := s.ask(ctx, a, repository)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()

	commit := plumbing.NewHash(revision.Commit)
	wanted := commit
	if revision.Tag != "" {
		wanted = plumbing.NewHash(revision.Tag) // the commit comes with it
	}
	for i, way := range waysTo(wanted, found, repository.Ref.Commit != "") {
		if i > 0 {
			// The refusal of the way before ended its conversation.
			next, _, err := s.ask(ctx, a, repository)
			if err != nil {
				return nil, err
			}
			_ = r.Close()
			r = next
		}
		switch err := receive(ctx, r, way, to, commit); {
		case err == nil:
			return to.open(commit)
		case !errors.Is(err, errNotOurs):
			return nil, err
		}
	}
	return nil, gone(repository.Ref, revision, found)
}

func receive(ctx context.Context, r remote, way way, to *shelf, commit plumbing.Hash) error {
	body, err := r.pack(ctx, way.wants, way.shallow)
	if err != nil {
		return err
	}
	defer body.Close()
	return to.put(ctx, commit, body)
}

// way is a request that may get a commit.
type way struct {
	wants   []plumbing.Hash
	shallow bool
}

// waysTo lists them, cheapest first. The history of everything is only
// fetched for a commit that was asked for by hash.
func waysTo(commit plumbing.Hash, found *refs, byHash bool) []way {
	if object, ok := found.tip(commit); ok {
		return []way{{[]plumbing.Hash{object}, true}}
	}
	var ways []way
	if found.anyReachable || found.anyTip {
		ways = append(ways, way{[]plumbing.Hash{commit}, true})
	}
	if tips := found.tips(); byHash && !found.anyReachable && len(tips) > 0 {
		ways = append(ways, way{tips, false})
	}
	return ways
}

// gone says why a commit can't be had.
func gone(ref gitindex.Ref, revision gitindex.Revision, found *refs) error {
	if ref.Commit == "" && revision.Name != "" {
		now, err := resolve(ref, found)
		if err != nil {
			return err
		}
		return fmt.Errorf("commit %s can't be had any more: %s is %s now", revision.Commit, now.Name, now.Commit)
	}
	return fmt.Errorf("commit %s does not exist, or no branch or tag leads to it", revision.Commit)
}
