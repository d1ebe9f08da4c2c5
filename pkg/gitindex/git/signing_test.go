package git_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"gitonly.dev/gitonly/e2e/gitserver"
)

// pgpKey is an OpenPGP key and its owner.
type pgpKey struct {
	t *testing.T
	*openpgp.Entity
}

func newPGPKey(t *testing.T, config *packet.Config) pgpKey {
	t.Helper()
	if config == nil {
		config = &packet.Config{}
	}
	if config.Algorithm == 0 {
		config.Algorithm = packet.PubKeyAlgoEdDSA
	}
	entity, err := openpgp.NewEntity("Alice", "", "alice@example.com", config)
	must(t, err)
	return pgpKey{t, entity}
}

// public is the key as gpg --armor --export has it.
func (k pgpKey) public() string { return k.armored(openpgp.PublicKeyType, k.Serialize) }

func (k pgpKey) private() string {
	return k.armored(openpgp.PrivateKeyType, func(w io.Writer) error {
		return k.SerializePrivateWithoutSigning(w, nil)
	})
}

func (k pgpKey) id() string { return k.PrimaryKey.KeyIdString() }

// signingID is the ID of the key, or its subkey, that signs.
func (k pgpKey) signingID() string {
	key, _ := k.SigningKey(time.Now())
	return key.PublicKey.KeyIdString()
}

func (k pgpKey) sign(config *packet.Config) gitserver.Sign {
	return func(content []byte) (string, error) {
		var signature bytes.Buffer
		err := openpgp.ArmoredDetachSign(&signature, k.Entity, bytes.NewReader(content), config)
		return signature.String(), err
	}
}

// signSHA1 signs as old GnuPG did, with an RSA key. The library doesn't do that any
// more, so the packet is put together here (RFC 4880, 5.2.3).
func (k pgpKey) signSHA1() gitserver.Sign {
	return func(content []byte) (string, error) {
		const document, sha1 = 0, 2
		made := binary32(uint32(time.Now().Unix()))
		hashed := append([]byte{4, document, byte(packet.PubKeyAlgoRSA), sha1, 0, 6, 5, 2}, made...)
		sum := crypto.SHA1.New()
		sum.Write(content)
		sum.Write(hashed)
		sum.Write(append([]byte{4, 0xff}, binary32(uint32(len(hashed)))...))
		digest := sum.Sum(nil)
		value, err := rsa.SignPKCS1v15(nil, k.PrivateKey.PrivateKey.(*rsa.PrivateKey), crypto.SHA1, digest)
		if err != nil {
			return "", err
		}
		body := append(hashed, 0, 10, 9, 16)
		body = append(append(body, binary32(uint32(k.PrimaryKey.KeyId>>32))...), binary32(uint32(k.PrimaryKey.KeyId))...)
		body = append(body, digest[:2]...)
		body = append(append(body, byte(len(value)*8>>8), byte(len(value)*8)), value...)
		header := append([]byte{0xc2, 0xff}, binary32(uint32(len(body)))...)
		return k.armored(openpgp.SignatureType, func(w io.Writer) error {
			_, err := w.Write(append(header, body...))
			return err
		}), nil
	}
}

func binary32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func newEd25519(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	return signer
}

func newRSA(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	return signer
}

// authorized is the key as a .pub file has it.
func authorized(key ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(key.PublicKey())) }

func fingerprint(key ssh.Signer) string { return ssh.FingerprintSHA256(key.PublicKey()) }

// signFor signs for something else than Git.
func signFor(key ssh.Signer, namespace string) gitserver.Sign {
	return func(content []byte) (string, error) {
		signature, err := sshsig.Sign(bytes.NewReader(content), key, sshsig.HashSHA512, namespace)
		if err != nil {
			return "", err
		}
		return string(sshsig.Armor(signature)), nil
	}
}

// signSHA1 signs as old SSH did with RSA keys.
func signSHA1(key ssh.Signer) gitserver.Sign {
	return func(content []byte) (string, error) {
		sum := crypto.SHA512.New()
		sum.Write(content)
		message := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Sum string }{"git", "", "sha512", string(sum.Sum(nil))})...)
		signature, err := key.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, message, ssh.KeyAlgoRSA)
		if err != nil {
			return "", err
		}
		return string(sshsig.Armor(&sshsig.Signature{
			Version: 1, PublicKey: key.PublicKey(), Namespace: "git", HashAlgorithm: sshsig.HashSHA512, Signature: signature,
		})), nil
	}
}

// after signs something else than what is there.
func after(sign gitserver.Sign, change string) gitserver.Sign {
	return func(content []byte) (string, error) { return sign([]byte(string(content) + change)) }
}

// both signs twice.
func both(a, b gitserver.Sign) gitserver.Sign {
	return func(content []byte) (string, error) {
		first, err := a(content)
		if err != nil {
			return "", err
		}
		second, err := b(content)
		return strings.TrimSpace(first) + "\n" + second, err
	}
}

// says gives the same signature to everything.
func says(signature string) gitserver.Sign {
	return func([]byte) (string, error) { return signature, nil }
}

func (k pgpKey) armored(kind string, write func(io.Writer) error) string {
	k.t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, kind, nil)
	must(k.t, err)
	must(k.t, write(w))
	must(k.t, w.Close())
	return fmt.Sprintln(text.String())
}
