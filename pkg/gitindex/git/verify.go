package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Verify implements gitindex.Fetcher. A commit that was fetched for it and isn't
// signed as it has to be is not kept: it takes no good one's place.
func (s *Store) Verify(ctx context.Context, source string, repository gitindex.Repository, revision gitindex.Revision) error {
	repository = settled(repository)
	a, err := parseAddress(repository.URL)
	if err != nil {
		return err
	}
	if s.options.Signers == nil {
		return fmt.Errorf("there is nowhere to read Secret %q from", repository.Verify.Keys.String())
	}
	signers, err := s.options.Signers(ctx, repository.Verify)
	if err != nil {
		return err
	}
	shelf := s.shelf(source)
	if err := shelf.lock(ctx); err != nil {
		return err
	}
	defer shelf.unlock()
	fetched := false
	if shelf.signed == nil || shelf.signed.revision != revision {
		err := s.within(ctx, a, func(ctx context.Context) error {
			var p *pack
			var err error
			if p, fetched, err = s.pack(ctx, shelf, a, repository, revision); err == nil {
				shelf.signed, err = signaturesOf(p, revision)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	fault := shelf.signed.check(repository.Verify, signers)
	if fault == nil {
		return nil
	}
	err = &gitindex.Unverified{Err: fault}
	if fetched {
		err = errors.Join(err, discard(shelf.path(plumbing.NewHash(revision.Commit))))
	}
	return err
}

// signatures are what may be signed of a revision.
type signatures struct {
	revision gitindex.Revision
	commit   signedObject
	tag      signedObject // with no name if there is none
	fault    error        // of the tag
}

// signedObject is something that may be signed.
type signedObject struct {
	name      string // commit 4f2c…, tag v1.2.0
	how       string // the command that signs one
	payload   string // what is signed
	signature string // in armor; empty if it isn't signed
}

func signaturesOf(p *pack, revision gitindex.Revision) (*signatures, error) {
	found := &signatures{revision: revision}
	encoded, err := p.get(plumbing.CommitObject, plumbing.NewHash(revision.Commit))
	if err != nil {
		return nil, err
	}
	var commit object.Commit
	if err := commit.Decode(encoded); err != nil {
		return nil, fmt.Errorf("commit %s: %w", revision.Commit, err)
	}
	found.commit = signedObject{name: "commit " + revision.Commit, how: "git commit -S", signature: commit.PGPSignature}
	if found.commit.payload, err = payloadOf(commit.EncodeWithoutSignature); err != nil {
		return nil, fmt.Errorf("commit %s: %w", revision.Commit, err)
	}
	if revision.Tag == "" {
		return found, nil
	}
	if encoded, err = p.get(plumbing.TagObject, plumbing.NewHash(revision.Tag)); err != nil {
		return nil, err
	}
	var tag object.Tag
	if err := tag.Decode(encoded); err != nil {
		return nil, fmt.Errorf("tag %s: %w", revision.Name, err)
	}
	// A signed tag is good for what it says itself, wherever somebody puts it.
	switch {
	case tag.Target.String() != revision.Commit:
		found.fault = fmt.Errorf("tag %s is one of another tag, not of the commit: tag the commit", revision.Name)
	case tag.Name != shortTag(revision.Name):
		found.fault = fmt.Errorf("tag %s calls itself %s: it was renamed after it was made, so make it again", revision.Name, tag.Name)
	}
	found.tag = signedObject{name: "tag " + revision.Name, how: "git tag -s", signature: tag.PGPSignature}
	if found.tag.payload, err = payloadOf(tag.EncodeWithoutSignature); err != nil {
		return nil, fmt.Errorf("tag %s: %w", revision.Name, err)
	}
	return found, nil
}

// shortTag is the name of a tag that may be written in full.
func shortTag(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "refs/"), "tags/")
}

func payloadOf(encode func(plumbing.EncodedObject) error) (string, error) {
	encoded := &plumbing.MemoryObject{}
	if err := encode(encoded); err != nil {
		return "", err
	}
	r, err := encoded.Reader()
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// check makes sure that all that is asked for is signed.
func (s *signatures) check(asked gitindex.Verification, by Signers) error {
	commit, tag := asked.Asks(s.revision)
	if tag && s.tag.name == "" {
		return fmt.Errorf("%s is no annotated tag, so nobody can have signed it: make it one (git tag -s) with a key that %s holds", s.revision.Short(), by.from)
	}
	if tag && s.fault != nil {
		return s.fault
	}
	if tag {
		if err := by.check(s.tag, time.Now()); err != nil {
			return err
		}
	}
	if commit {
		return by.check(s.commit, time.Now())
	}
	return nil
}

func (s Signers) check(o signedObject, now time.Time) error {
	const begin = "-----BEGIN "
	switch {
	case strings.TrimSpace(o.signature) == "":
		return fmt.Errorf("%s is not signed: sign it (%s) with a key that %s holds", o.name, o.how, s.from)
	case strings.Count(o.signature, begin) > 1:
		return fmt.Errorf("%s has more than one signature, and none counts: sign it again", o.name)
	case strings.HasPrefix(o.signature, begin+"PGP SIGNATURE"):
		return s.checkOpenPGP(o, now)
	case strings.HasPrefix(o.signature, begin+"SSH SIGNATURE"):
		return s.checkSSH(o)
	}
	return fmt.Errorf("%s has a signature that is neither OpenPGP's nor SSH's: sign it (%s) with a key that %s holds", o.name, o.how, s.from)
}

// unknown is the fault of a signature by somebody else.
func (s Signers) unknown(o signedObject, key string) error {
	return fmt.Errorf("%s is signed by %s, which %s doesn't hold: add the key there if its owner may sign", o.name, key, s.from)
}

// mismatch is the fault of a signature that is none.
func (s Signers) mismatch(o signedObject, key string, err error) error {
	return fmt.Errorf("%s has a signature by %s that isn't good (%w): sign it again", o.name, key, err)
}
