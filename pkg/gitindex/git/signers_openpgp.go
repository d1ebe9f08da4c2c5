package git

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// openPGPKeys reads blocks of public keys, one after the other. The error goes
// on from what they are in.
func openPGPKeys(text string) (openpgp.EntityList, error) {
	const begin = "-----BEGIN PGP "
	parts := strings.Split(text, begin)
	if len(parts) == 1 {
		return nil, errors.New("holds no OpenPGP key in armor: export one with gpg --armor --export")
	}
	var all openpgp.EntityList
	for _, part := range parts[1:] {
		if strings.HasPrefix(part, "PRIVATE KEY BLOCK") {
			return nil, errors.New("holds a private key: only public ones belong there, and this one is known to others now")
		}
		// What the library says of a block may have some of it in it.
		entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(begin + part))
		if err != nil || len(entities) == 0 {
			return nil, errors.New("holds an OpenPGP key that can't be read: export it again with gpg --armor --export")
		}
		all = append(all, entities...)
	}
	return all, nil
}

// checkOpenPGP checks a signature in armor.
func (s Signers) checkOpenPGP(o signedObject, now time.Time) error {
	signature, err := openPGPSignature(o.signature)
	if err != nil {
		return fmt.Errorf("%s has an OpenPGP signature that can't be read: %w", o.name, err)
	}
	id := fmt.Sprintf("%016X", *signature.IssuerKeyId)
	if len(s.openPGP.KeysById(*signature.IssuerKeyId)) == 0 {
		return s.unknown(o, "OpenPGP key "+id)
	}
	if !s.allows(id) {
		return fmt.Errorf("%s is signed by OpenPGP key %s, which %s holds and the AppProject doesn't allow: add it to the AppProject if its owner may sign", o.name, id, s.from)
	}
	if slices.Contains([]crypto.Hash{crypto.SHA1, crypto.MD5, crypto.RIPEMD160}, signature.Hash) {
		return s.mismatch(o, "OpenPGP key "+id, fmt.Errorf("it is made with %s, which can be forged", signature.Hash))
	}
	_, err = openpgp.CheckArmoredDetachedSignature(s.openPGP, strings.NewReader(o.payload), strings.NewReader(o.signature), &packet.Config{
		Time: func() time.Time { return now },
	})
	by := fmt.Sprintf("%s is signed by OpenPGP key %s, which", o.name, id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return fmt.Errorf("%s has expired: put it into %s again once its owner has renewed it, or sign with another", by, s.from)
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return fmt.Errorf("%s is revoked: sign with another", by)
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return fmt.Errorf("%s isn't one for signatures: sign with another", by)
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return fmt.Errorf("%s has a signature by OpenPGP key %s that has expired: sign it again", o.name, id)
	}
	return s.mismatch(o, "OpenPGP key "+id, err)
}

// openPGPSignature is the one signature in a block.
func openPGPSignature(text string) (*packet.Signature, error) {
	block, err := armor.Decode(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if block.Type != openpgp.SignatureType {
		return nil, fmt.Errorf("it is a %s", block.Type)
	}
	packets := packet.NewReader(block.Body)
	first, err := packets.Next()
	if err != nil {
		return nil, err
	}
	signature, ok := first.(*packet.Signature)
	if !ok || signature.IssuerKeyId == nil {
		return nil, errors.New("it doesn't say whose it is")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one")
	}
	return signature, nil
}

// allows reports whether an OpenPGP key may sign, of those that are known.
func (s Signers) allows(id string) bool {
	return !s.restricted || slices.ContainsFunc(s.only, func(allowed string) bool {
		return allowed == id || len(allowed) == 40 && strings.HasSuffix(allowed, id)
	})
}
