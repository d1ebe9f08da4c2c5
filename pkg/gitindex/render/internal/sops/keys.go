package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Keys are what data can be decrypted with. The zero value decrypts nothing.
type Keys struct {
	identities []age.Identity
	keyring    openpgp.EntityList
}

// The endings of a decryption Secret's keys, as Flux names them.
const (
	ageEnding = ".agekey"
	pgpEnding = ".asc"
)

// ParseKeys reads the keys among the entries of a decryption Secret. The error
// names each that can't be read, and shows none of it; the others are of use.
func ParseKeys(entries map[string]string) (Keys, error) {
	var keys Keys
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		switch {
		case strings.HasSuffix(name, ageEnding):
			found, err := age.ParseIdentities(strings.NewReader(entries[name]))
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s holds no age identity", name))
			}
			keys.identities = append(keys.identities, found...)
		case strings.HasSuffix(name, pgpEnding):
			found, err := openpgp.ReadArmoredKeyRing(strings.NewReader(entries[name]))
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s holds no armored OpenPGP key", name))
			}
			keys.keyring = append(keys.keyring, found...)
		}
	}
	return keys, errors.Join(wrong...)
}

var (
	errNoKey  = errors.New("none of the keys at hand decrypts it")
	errGroups = errors.New("its key is split among several key groups, which gitonly can't join")
)

// keyServices are the parts of SOPS's metadata that take somebody else's service
// to decrypt.
var keyServices = []string{"kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"}

// dataKey finds the key that the values are encrypted with.
func (k Keys) dataKey(metadata map[string]any) ([]byte, error) {
	group := metadata
	if groups, _ := metadata["key_groups"].([]any); len(groups) > 0 && !hasKeys(metadata) {
		if len(groups) > 1 {
			return nil, errGroups
		}
		group, _ = groups[0].(map[string]any)
	}
	for _, enc := range encryptedKeys(group, "age") {
		if key, err := k.byAge(enc); err == nil {
			return key, nil
		}
	}
	for _, enc := range encryptedKeys(group, "pgp") {
		if key, err := k.byPGP(enc); err == nil {
			return key, nil
		}
	}
	if len(encryptedKeys(group, "age"))+len(encryptedKeys(group, "pgp")) == 0 {
		for _, service := range keyServices {
			if list, _ := group[service].([]any); len(list) > 0 {
				return nil, fmt.Errorf("it is encrypted for a key service (%s), which gitonly doesn't ask", service)
			}
		}
	}
	return nil, errNoKey
}

func hasKeys(metadata map[string]any) bool {
	for _, kind := range append([]string{"age", "pgp"}, keyServices...) {
		if list, _ := metadata[kind].([]any); len(list) > 0 {
			return true
		}
	}
	return false
}

func encryptedKeys(group map[string]any, kind string) []string {
	var all []string
	list, _ := group[kind].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		if enc, ok := entry["enc"].(string); ok {
			all = append(all, enc)
		}
	}
	return all
}

// maxKey is more than any data key has.
const maxKey = 1 << 10

func (k Keys) byAge(enc string) ([]byte, error) {
	if len(k.identities) == 0 {
		return nil, errNoKey
	}
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(enc)), k.identities...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxKey))
}

func (k Keys) byPGP(enc string) ([]byte, error) {
	if len(k.keyring) == 0 {
		return nil, errNoKey
	}
	block, err := pgparmor.Decode(bytes.NewReader([]byte(enc)))
	if err != nil {
		return nil, err
	}
	message, err := openpgp.ReadMessage(block.Body, k.keyring, nil, nil)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(message.UnverifiedBody, maxKey))
}
