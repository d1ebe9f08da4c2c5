package git_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestWhatHasToBeSigned(t *testing.T) {
	key, stranger := newEd25519(t), newEd25519(t)
	sign, forge := gitserver.SignSSH(key), gitserver.SignSSH(stranger)
	keys := map[string]string{"ssh": authorized(key)}

	// Of each tag: who signed it, and its commit; nil for nobody.
	tags := func(t *testing.T) *infra {
		r := newInfra(t)
		plain := r.second
		tagged := func(name, commit string, by gitserver.Sign) { must(t, r.SignedTag(name, commit, by)) }
		tagged("tag-only", plain, sign)
		tagged("forged", plain, forge)
		must(t, r.AnnotatedTag("neither", plain, "release"))
		must(t, r.Tag("name-only", plain))
		both := r.signCommit(sign)
		tagged("both", both, sign)
		tagged("forged-of-good", both, forge)
		must(t, r.AnnotatedTag("commit-only", both, "release"))
		must(t, r.Tag("name-of-good", both))
		object, err := r.Git("rev-parse", "refs/tags/both")
		must(t, err)
		r.git("update-ref", "refs/tags/renamed", object)
		tagged("v1.2.0", both, sign)
		must(t, r.AnnotatedTag("nested", "both", "a tag of a tag"))
		return r
	}

	const (
		good        = ""
		unsigned    = `commit PLAIN is not signed: sign it (git commit -S) with a key that Secret "keys" holds`
		unsignedTag = `tag TAG is not signed: sign it (git tag -s) with a key that Secret "keys" holds`
		noTag       = `TAG@SHORT is no annotated tag, so nobody can have signed it: make it one (git tag -s) with a key that Secret "keys" holds`
	)
	forged := `tag TAG is signed by SSH key ` + fingerprint(stranger) + `, which Secret "keys" doesn't hold: add the key there if its owner may sign`

	for _, protocol := range []string{"file", "http"} {
		t.Run(protocol, func(t *testing.T) {
			r := tags(t)
			url := r.url()
			if protocol == "http" {
				url = serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
			}
			for _, test := range []struct {
				mode gitindex.VerifyMode
				want map[string]string
			}{
				{gitindex.VerifyHEAD, map[string]string{
					"tag-only": unsigned, "forged": unsigned, "neither": unsigned, "name-only": unsigned,
					"both": good, "forged-of-good": good, "commit-only": good, "name-of-good": good, "renamed": good, "nested": good,
				}},
				{gitindex.VerifyTag, map[string]string{
					"tag-only": good, "forged": forged, "neither": unsignedTag, "name-only": noTag,
					"both": good, "forged-of-good": forged, "commit-only": unsignedTag, "name-of-good": noTag,
					"renamed": `tag renamed calls itself both: it was renamed after it was made, so make it again`,
					"nested":  `tag nested is one of another tag, not of the commit: tag the commit`,
				}},
				{gitindex.VerifyTagAndHEAD, map[string]string{
					"tag-only": unsigned, "forged": forged, "neither": unsignedTag, "name-only": noTag,
					"both": good, "forged-of-good": forged, "commit-only": unsignedTag, "name-of-good": noTag,
				}},
				{gitindex.VerifyTagOrHEAD, map[string]string{
					"tag-only": good, "forged": forged, "neither": unsignedTag, "name-only": unsigned,
					"both": good, "forged-of-good": forged, "commit-only": unsignedTag, "name-of-good": good,
				}},
				{gitindex.VerifyAnyTagAndHEAD, map[string]string{
					"tag-only": unsigned, "forged": forged, "neither": unsignedTag, "name-only": unsigned,
					"both": good, "forged-of-good": forged, "commit-only": unsignedTag, "name-of-good": good,
				}},
			} {
				store := verifying(t, keys)
				for tag, want := range test.want {
					t.Run(string(test.mode)+" of "+tag, func(t *testing.T) {
						revision, err := verify(t, store, signed(at(url, gitindex.Ref{Tag: tag}), test.mode))
						want = strings.NewReplacer("PLAIN", r.second, "TAG", tag, "SHORT", revision.Commit[:7]).Replace(want)
						if want == good {
							must(t, err)
							return
						}
						wantError(t, err, want)
					})
				}
			}
		})
	}

	t.Run("the tag that a range comes to", func(t *testing.T) {
		r := tags(t)
		for _, ref := range []gitindex.Ref{{SemVer: "1.x"}, {Name: "v1.2.0"}, {Name: "refs/tags/v1.2.0"}, {Name: "1.x"}} {
			_, err := verify(t, verifying(t, keys), signed(at(r.url(), ref), gitindex.VerifyTag))
			must(t, err)
		}
	})
	t.Run("the commit that is asked for by its hash", func(t *testing.T) {
		r := tags(t)
		_, err := verify(t, verifying(t, keys), signed(at(r.url(), gitindex.Ref{Commit: r.second}), gitindex.VerifyHEAD))
		wantError(t, err, strings.ReplaceAll(unsigned, "PLAIN", r.second))
	})
	t.Run("a tag that was signed after it had been fetched without", func(t *testing.T) {
		r := newInfra(t)
		must(t, r.Tag("v1", r.second))
		store, repository := verifying(t, keys), signed(at(r.url(), gitindex.Ref{Tag: "v1"}), gitindex.VerifyTag)
		fetched(t, store, at(r.url(), gitindex.Ref{Tag: "v1"}))
		must(t, r.SignedTag("v1", r.second, sign))
		_, err := verify(t, store, repository)
		must(t, err)
	})
}

func TestWhatIsKeptOfVerifiedCommits(t *testing.T) {
	key := newEd25519(t)
	keys := keysIn{"keys": {"ssh": authorized(key)}}
	r := newInfra(t)
	dir := filepath.Join(t.TempDir(), "store")
	newStore := func() *git.Store {
		return git.New(dir, nil, git.Options{Signers: git.SignersFrom(keys)})
	}
	server := serveHTTP(t, r, gitserver.HTTPOptions{})
	repository := signed(onMain(server.URL+infraName), gitindex.VerifyHEAD)

	good := r.signCommit(gitserver.SignSSH(key))
	store := newStore()
	revision, _ := fetched(t, store, repository)
	wantRevision(t, revision, "main", good)
	must(t, store.Verify(t.Context(), "infra", repository, revision))

	// Bad ones that come after it don't push it out.
	for _, replicas := range []string{"3", "4", "5"} {
		bad := r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "replicas: " + replicas + "\n"}})
		_, err := verify(t, store, repository)
		wantError(t, err, `commit `+bad+` is not signed: sign it (git commit -S) with a key that Secret "keys" holds`)
	}
	must(t, server.Close())

	restarted := newStore()
	must(t, restarted.Verify(t.Context(), "infra", repository, revision))

	t.Run("the keys count as they are now", func(t *testing.T) {
		other := newEd25519(t)
		keys["keys"] = map[string]string{"ssh": authorized(other)}
		err := restarted.Verify(t.Context(), "infra", repository, revision)
		wantError(t, err, `commit `+good+` is signed by SSH key `+fingerprint(key)+`, which Secret "keys" doesn't hold: add the key there if its owner may sign`)
		keys["keys"] = map[string]string{"ssh": authorized(other) + authorized(key)}
		must(t, restarted.Verify(t.Context(), "infra", repository, revision))
		must(t, newStore().Verify(t.Context(), "infra", repository, revision))
	})
}

func TestAStoreWithoutSigners(t *testing.T) {
	r := newInfra(t)
	_, err := verify(t, git.New(t.TempDir(), nil, git.Options{}), signed(onMain(r.url()), gitindex.VerifyHEAD))
	wantError(t, err, `there is nowhere to read Secret "keys" from`)
	if _, ok := errors.AsType[*gitindex.Unverified](err); ok {
		t.Error("the commit wasn't looked at, and counts as unverified")
	}
}
