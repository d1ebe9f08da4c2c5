package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"golang.org/x/crypto/ssh"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Signers are those whose signatures count, by their public keys.
type Signers struct {
	from    string // where their keys are: Secret "keys"
	openPGP openpgp.EntityList
	ssh     []ssh.PublicKey

	restricted bool     // of the OpenPGP keys only some may sign
	only       []string // their IDs or fingerprints
}

// signersMap is Argo CD's ConfigMap of OpenPGP keys.
const signersMap = "argocd-gpg-keys-cm"

// SignersFrom returns what reads the keys of those who may sign.
//
// In a Secret of gitonly's own each key holds OpenPGP keys in armor, or SSH keys,
// one a line, as in an authorized_keys or an allowed_signers file. All has to be
// readable, and nothing may be said of a key but that it is for git. Flux's and
// Argo CD's are read as Flux and Argo CD do.
func SignersFrom(secrets Secrets) func(context.Context, gitindex.Verification) (Signers, error) {
	return func(ctx context.Context, asked gitindex.Verification) (Signers, error) {
		if asked.Keys.Form == gitindex.ArgoCDSecret {
			data, err := secrets.ConfigMap(ctx, asked.Keys.Namespace, signersMap)
			if err != nil {
				return Signers{}, err
			}
			s := argoCDSigners(data)
			s.from = fmt.Sprintf("ConfigMap %q", asked.Keys.Namespace+"/"+signersMap)
			s.restricted = true
			s.only = strings.FieldsFunc(asked.Only, func(r rune) bool { return r == ',' })
			return s, nil
		}
		data, err := secrets.Data(ctx, asked.Keys)
		if err != nil {
			return Signers{}, err
		}
		read := signersFromSecret
		if asked.Keys.Form == gitindex.FluxSecret {
			read = fluxSigners
		}
		s, err := read(data)
		if err != nil {
			return Signers{}, fmt.Errorf("reading Secret %q: %w", asked.Keys.String(), err)
		}
		s.from = fmt.Sprintf("Secret %q", asked.Keys.String())
		return s, nil
	}
}

var errNoSigners = errors.New("it holds no keys: put the public keys of those who may sign into it, such as alice.asc for OpenPGP or alice.sshpub for SSH")

// signersFromSecret takes all or nothing. No error has anything of a value in it.
func signersFromSecret(data map[string][]byte) (Signers, error) {
	var s Signers
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text := string(data[key])
		if strings.HasSuffix(key, ".asc") || strings.Contains(text, "-----BEGIN PGP ") {
			entities, err := openPGPKeys(text)
			if err != nil {
				return Signers{}, fmt.Errorf("its key %s %w", key, err)
			}
			s.openPGP = append(s.openPGP, entities...)
			continue
		}
		found, err := sshKeys(text)
		if err != nil {
			return Signers{}, fmt.Errorf("its key %s: %w", key, err)
		}
		s.ssh = append(s.ssh, found...)
	}
	if len(s.openPGP)+len(s.ssh) == 0 {
		return Signers{}, errNoSigners
	}
	return s, nil
}

// fluxSigners are those that source-controller takes: SSH keys of .sshpub, one
// OpenPGP key ring of everything else. It leaves out what it can't read.
func fluxSigners(data map[string][]byte) (Signers, error) {
	var s Signers
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if strings.HasSuffix(key, ".sshpub") {
			s.ssh = append(s.ssh, authorizedKeys(string(data[key]))...)
		} else if entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(string(data[key]))); err == nil {
			s.openPGP = append(s.openPGP, entities...)
		}
	}
	if len(s.openPGP)+len(s.ssh) == 0 {
		return Signers{}, errNoSigners
	}
	return s, nil
}

var argoCDKeyID = regexp.MustCompile("^[0-9A-Fa-f]{16}$")

// argoCDSigners are those that repo-server takes into its key ring.
func argoCDSigners(data map[string][]byte) Signers {
	var s Signers
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if !argoCDKeyID.MatchString(key) {
			continue
		}
		if entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(string(data[key]))); err == nil {
			s.openPGP = append(s.openPGP, entities...)
		}
	}
	return s
}
