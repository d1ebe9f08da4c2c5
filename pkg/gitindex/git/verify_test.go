package git_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// keysIn are Secrets by name, and ConfigMaps by namespace/name.
type keysIn map[string]map[string]string

func (k keysIn) Data(_ context.Context, ref gitindex.SecretRef) (map[string][]byte, error) {
	return k.bytes(ref.String()), nil
}

func (k keysIn) ConfigMap(_ context.Context, namespace, name string) (map[string][]byte, error) {
	return k.bytes(namespace + "/" + name), nil
}

func (k keysIn) bytes(name string) map[string][]byte {
	data := map[string][]byte{}
	for key, value := range k[name] {
		data[key] = []byte(value)
	}
	return data
}

// verifying is a store that knows Secret keys.
func verifying(t *testing.T, keys map[string]string) *git.Store {
	t.Helper()
	return git.New(filepath.Join(t.TempDir(), "store"), nil, git.Options{Signers: git.SignersFrom(keysIn{"keys": keys})})
}

func signed(r gitindex.Repository, mode gitindex.VerifyMode) gitindex.Repository {
	r.Verify = gitindex.Verification{Mode: mode, Keys: gitindex.SecretRef{Name: "keys"}}
	return r
}

// verify resolves and verifies.
func verify(t *testing.T, store *git.Store, repository gitindex.Repository) (gitindex.Revision, error) {
	t.Helper()
	revision, err := store.Resolve(t.Context(), "infra", repository)
	must(t, err)
	return revision, store.Verify(t.Context(), "infra", repository, revision)
}

func (r *infra) signCommit(sign gitserver.Sign) string {
	r.t.Helper()
	hash, err := r.SignCommit("main", "main", sign)
	must(r.t, err)
	return hash
}

func (r *infra) url() string { return "file://" + r.Dir }

// past is a time at which a key was good that isn't any more.
func past() time.Time { return time.Now().Add(-48 * time.Hour) }

func TestASignedCommitCounts(t *testing.T) {
	alice, ed, rsa := newPGPKey(t, nil), newEd25519(t), newRSA(t)
	subkey := newPGPKey(t, nil)
	must(t, subkey.AddSigningSubkey(nil))
	signers := map[string]string{
		"people.asc":  alice.public() + subkey.public(),
		"robots":      authorized(ed),
		"more.sshpub": "# who may\n\nrobot@example.com namespaces=\"file,git\" " + authorized(rsa),
	}
	for _, test := range []struct {
		name string
		sign gitserver.Sign
	}{
		{"with an OpenPGP key", alice.sign(nil)},
		{"with a subkey of one", subkey.sign(nil)},
		{"with an Ed25519 key of SSH", gitserver.SignSSH(ed)},
		{"with an RSA key of SSH", gitserver.SignSSH(rsa)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newInfra(t)
			r.signCommit(test.sign)
			store := verifying(t, signers)
			repository := signed(onMain(r.url()), gitindex.VerifyHEAD)
			revision, err := verify(t, store, repository)
			must(t, err)
			tree, err := store.Tree(t.Context(), "infra", repository, revision)
			must(t, err)
			wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
		})
	}
}

func TestACommitThatIsNotSignedAsItHasToBe(t *testing.T) {
	alice, mallory := newPGPKey(t, &packet.Config{Time: past}), newPGPKey(t, nil)
	expired := newPGPKey(t, &packet.Config{Time: past, KeyLifetimeSecs: 24 * 60 * 60})
	old := newPGPKey(t, &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048})
	ed, rsa, stranger, forFiles := newEd25519(t), newRSA(t), newEd25519(t), newEd25519(t)
	signers := map[string]string{
		"alice.asc":   alice.public() + old.public(),
		"expired.asc": expired.public(),
		"ssh":         authorized(ed) + authorized(rsa) + `files@example.com namespaces="file" ` + authorized(forFiles),
	}

	for _, test := range []struct {
		name string
		sign gitserver.Sign // nil for no signature
		want string
	}{
		{"isn't signed at all", nil,
			`commit COMMIT is not signed: sign it (git commit -S) with a key that Secret "keys" holds`},
		{"is signed by a stranger with OpenPGP", mallory.sign(nil),
			`commit COMMIT is signed by OpenPGP key ` + mallory.id() + `, which Secret "keys" doesn't hold: add the key there if its owner may sign`},
		{"was changed after it was signed with OpenPGP", after(alice.sign(nil), "more"),
			`commit COMMIT has a signature by OpenPGP key ` + alice.id() + ` that isn't good (openpgp: invalid signature: EdDSA verification failure): sign it again`},
		{"is signed with a key that has expired", expired.sign(&packet.Config{Time: past}),
			`commit COMMIT is signed by OpenPGP key ` + expired.id() + `, which has expired: put it into Secret "keys" again once its owner has renewed it, or sign with another`},
		{"has a signature that has expired", alice.sign(&packet.Config{Time: past, SigLifetimeSecs: 60}),
			`commit COMMIT has a signature by OpenPGP key ` + alice.id() + ` that has expired: sign it again`},
		{"is signed with SHA-1", old.signSHA1(),
			`commit COMMIT has a signature by OpenPGP key ` + old.id() + ` that isn't good (it is made with SHA-1, which can be forged): sign it again`},
		{"is signed by a stranger with SSH", gitserver.SignSSH(stranger),
			`commit COMMIT is signed by SSH key ` + fingerprint(stranger) + `, which Secret "keys" doesn't hold: add the key there if its owner may sign`},
		{"is signed with a key that is for other things", gitserver.SignSSH(forFiles),
			`commit COMMIT is signed by SSH key ` + fingerprint(forFiles) + `, which Secret "keys" doesn't hold: add the key there if its owner may sign`},
		{"was changed after it was signed with SSH", after(gitserver.SignSSH(ed), "more"),
			`commit COMMIT has a signature by SSH key ` + fingerprint(ed) + ` that isn't good (ssh: signature did not verify): sign it again`},
		{"has a signature that is for something else", signFor(ed, "file"),
			`commit COMMIT has a signature by SSH key ` + fingerprint(ed) + ` that is for "file", not for "git": sign it with Git`},
		{"is signed with RSA and SHA-1", signSHA1(rsa),
			`commit COMMIT has an SSH signature that can't be read: invalid signature format "ssh-rsa": expected "rsa-sha2-256" or "rsa-sha2-512"`},
		{"is signed twice", both(alice.sign(nil), gitserver.SignSSH(ed)),
			`commit COMMIT has more than one signature, and none counts: sign it again`},
		{"is signed with X.509", says("-----BEGIN SIGNED MESSAGE-----\nMIIC\n-----END SIGNED MESSAGE-----"),
			`commit COMMIT has a signature that is neither OpenPGP's nor SSH's: sign it (git commit -S) with a key that Secret "keys" holds`},
		{"has rubbish for a signature", says("-----BEGIN PGP SIGNATURE-----\n\nwhatever\n-----END PGP SIGNATURE-----"),
			`commit COMMIT has an OpenPGP signature that can't be read: EOF`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newInfra(t)
			commit := r.second
			if test.sign != nil {
				commit = r.signCommit(test.sign)
			}
			_, err := verify(t, verifying(t, signers), signed(onMain(r.url()), gitindex.VerifyHEAD))
			wantError(t, err, strings.ReplaceAll(test.want, "COMMIT", commit))
			if _, ok := errors.AsType[*gitindex.Unverified](err); !ok {
				t.Errorf("%T doesn't say that the commit was looked at", err)
			}
		})
	}

	t.Run("is signed with a key that is revoked", func(t *testing.T) {
		r, revoked := newInfra(t), newPGPKey(t, nil)
		commit := r.signCommit(revoked.sign(nil))
		must(t, revoked.RevokeKey(packet.KeyCompromised, "lost", nil))
		_, err := verify(t, verifying(t, map[string]string{"a.asc": revoked.public()}), signed(onMain(r.url()), gitindex.VerifyHEAD))
		wantError(t, err, `commit `+commit+` is signed by OpenPGP key `+revoked.id()+`, which is revoked: sign with another`)
	})
}
