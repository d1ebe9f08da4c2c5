package git_test

import (
	"fmt"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestKeysThatCannotBeRead(t *testing.T) {
	alice, ed := newPGPKey(t, nil), newEd25519(t)
	line := authorized(ed)
	broken := strings.Replace(alice.public(), "\n\n", "\n\nXX", 1)
	const hunter2 = "hunter2" // never to be shown
	for _, test := range []struct{ name, key, value, want string }{
		{"no OpenPGP key", "a.asc", line,
			`its key a.asc holds no OpenPGP key in armor: export one with gpg --armor --export`},
		{"a damaged OpenPGP key", "a.asc", broken,
			`its key a.asc holds an OpenPGP key that can't be read: export it again with gpg --armor --export`},
		{"a private OpenPGP key", "a.asc", alice.private(),
			`its key a.asc holds a private key: only public ones belong there, and this one is known to others now`},
		{"a private SSH key", "a", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + hunter2,
			`its key a: line 1 begins a private key: only public ones belong there, and this one is known to others now`},
		{"no SSH key", "a", "# keys\n" + hunter2 + " " + hunter2,
			`its key a: line 2 is no SSH public key: write it as in a .pub file, such as ssh-ed25519 AAAA…, with or without principals in front`},
		{"an SSH key of another type than it says", "a", strings.Replace(line, "ssh-ed25519", "ssh-rsa", 1),
			`its key a: line 1 is no SSH public key: write it as in a .pub file, such as ssh-ed25519 AAAA…, with or without principals in front`},
		{"a certificate authority", "a", "*@example.com cert-authority " + line,
			`its key a: line 1 has an option in front of its key that isn't known here: only namespaces is`},
		{"a certificate authority without principals", "a", "cert-authority " + line,
			`its key a: line 1 has an option in front of its key that isn't known here: only namespaces is`},
		{"a key for some time", "a", `alice@example.com valid-before="20300101" ` + line,
			`its key a: line 1 has an option in front of its key that isn't known here: only namespaces is`},
		{"a key for some time without principals", "a", `valid-before="20300101" ` + line,
			`its key a: line 1 has an option in front of its key that isn't known here: only namespaces is`},
		{"a restricted key", "a", `restrict ` + line,
			`its key a: line 1 has an option in front of its key that isn't known here: only namespaces is`},
		{"only keys for other things", "a", `alice@example.com namespaces="file" ` + line,
			`it holds no keys: put the public keys of those who may sign into it, such as alice.asc for OpenPGP or alice.sshpub for SSH`},
		{"nothing", "a", "\n# nobody\n",
			`it holds no keys: put the public keys of those who may sign into it, such as alice.asc for OpenPGP or alice.sshpub for SSH`},
	} {
		t.Run(test.name, func(t *testing.T) {
			secrets := keysIn{"keys": {test.key: test.value}}
			_, err := git.SignersFrom(secrets)(t.Context(), gitindex.Verification{Keys: gitindex.SecretRef{Name: "keys"}})
			wantError(t, err, `reading Secret "keys": `+test.want)
		})
	}
}

func TestKeysAreReadInAllTheirForms(t *testing.T) {
	key := newEd25519(t)
	line := strings.TrimSpace(authorized(key))
	for i, text := range []string{
		line,
		line + " alice@laptop",
		"\n# Alice\n  " + line + "\r\n",
		"alice@example.com " + line,
		"alice@example.com\t" + line,
		"alice@example.com,bob@example.com " + line + " a comment",
		"* " + line,
		`alice@example.com namespaces="git" ` + line,
		`alice@example.com namespaces="file,git" ` + line,
		`namespaces="*" ` + line,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := newInfra(t)
			r.signCommit(gitserver.SignSSH(key))
			_, err := verify(t, verifying(t, map[string]string{"a": text}), signed(onMain(r.url()), gitindex.VerifyHEAD))
			must(t, err)
		})
	}
}

func TestKeysOfAgents(t *testing.T) {
	alice, bob, ed := newPGPKey(t, nil), newPGPKey(t, nil), newEd25519(t)
	must(t, bob.AddSigningSubkey(nil))
	flux := gitindex.Verification{Mode: gitindex.VerifyHEAD, Keys: gitindex.SecretRef{Namespace: "flux-system", Name: "keys", Form: gitindex.FluxSecret}}
	argo := gitindex.Verification{Mode: gitindex.VerifyTagOrHEAD, Keys: gitindex.SecretRef{Namespace: "argocd", Form: gitindex.ArgoCDSecret}}
	only := func(ids ...string) gitindex.Verification {
		v := argo
		v.Only = strings.Join(ids, ",")
		return v
	}
	secrets := keysIn{
		"flux-system/keys": {"a.asc": alice.public(), "ssh.sshpub": `restrict ` + authorized(ed), "README": "who may sign"},
		"argocd/argocd-gpg-keys-cm": {
			alice.id(): alice.public(), bob.id(): bob.public(), "0123456789ABCDEF": "no key", "notes": newPGPKey(t, nil).public(),
		},
	}
	for _, test := range []struct {
		name  string
		asked gitindex.Verification
		sign  gitserver.Sign
		want  string
	}{
		{"Flux: an OpenPGP key", flux, alice.sign(nil), ""},
		{"Flux: an SSH key, whatever its options", flux, gitserver.SignSSH(ed), ""},
		{"Flux: another's key", flux, bob.sign(nil),
			`commit COMMIT is signed by OpenPGP key ` + bob.signingID() + `, which Secret "flux-system/keys" doesn't hold: add the key there if its owner may sign`},
		{"Argo CD: a key that is allowed", only(alice.id()), alice.sign(nil), ""},
		{"Argo CD: one by its fingerprint", only("X", strings.Repeat("0", 24)+alice.id()), alice.sign(nil), ""},
		{"Argo CD: a subkey that is allowed", only(bob.signingID()), bob.sign(nil), ""},
		{"Argo CD: a subkey of one that is allowed", only(bob.id()), bob.sign(nil),
			`commit COMMIT is signed by OpenPGP key ` + bob.signingID() + `, which ConfigMap "argocd/argocd-gpg-keys-cm" holds and the AppProject doesn't allow: add it to the AppProject if its owner may sign`},
		{"Argo CD: a key that it doesn't know", only(alice.id()), newPGPKey(t, nil).sign(nil), "unknown"},
		{"Argo CD: an SSH key", only(alice.id()), gitserver.SignSSH(ed),
			`commit COMMIT is signed by SSH key ` + fingerprint(ed) + `, which ConfigMap "argocd/argocd-gpg-keys-cm" doesn't hold: add the key there if its owner may sign`},
		{"Argo CD: nobody is allowed", argo, alice.sign(nil),
			`commit COMMIT is signed by OpenPGP key ` + alice.id() + `, which ConfigMap "argocd/argocd-gpg-keys-cm" holds and the AppProject doesn't allow: add it to the AppProject if its owner may sign`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newInfra(t)
			commit := r.signCommit(test.sign)
			repository := onMain(r.url())
			repository.Verify = test.asked
			store := git.New(t.TempDir(), nil, git.Options{Signers: git.SignersFrom(secrets)})
			_, err := verify(t, store, repository)
			switch test.want {
			case "":
				must(t, err)
			case "unknown":
				if err == nil || !strings.HasSuffix(err.Error(), `, which ConfigMap "argocd/argocd-gpg-keys-cm" doesn't hold: add the key there if its owner may sign`) {
					t.Errorf("the error is %v", err)
				}
			default:
				wantError(t, err, strings.ReplaceAll(test.want, "COMMIT", commit))
			}
		})
	}
}
