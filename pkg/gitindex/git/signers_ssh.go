package git

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// sshNamespace is what Git's signatures are for, so that nobody's signature of
// something else passes for one.
const sshNamespace = "git"

// sshKeys reads lines of an authorized_keys or an allowed_signers file. An error
// names the line, and has nothing of it in it.
func sshKeys(text string) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := sshKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", number, err)
		}
		if key != nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

var (
	errNoSSHKey   = errors.New("is no SSH public key: write it as in a .pub file, such as ssh-ed25519 AAAA…, with or without principals in front")
	errPrivateKey = errors.New("begins a private key: only public ones belong there, and this one is known to others now")
	errOption     = errors.New("has an option in front of its key that isn't known here: only namespaces is")
	errSSHCert    = errors.New("is a certificate, which isn't checked: write the key that signs")
)

// sshKey reads a key, behind principals and options or not; nil if it is one for
// other things than Git.
func sshKey(line string) (ssh.PublicKey, error) {
	if strings.HasPrefix(line, "-----BEGIN ") && strings.Contains(line, "PRIVATE KEY") {
		return nil, errPrivateKey
	}
	// The first word in front of a key may be principals, or options.
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err == nil && !slices.ContainsFunc(options, isOption) {
		options = nil
	}
	if err != nil {
		_, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if key, _, options, _, err = ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest))); err != nil {
			return nil, errNoSSHKey
		}
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return nil, errSSHCert
	}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if !strings.EqualFold(name, "namespaces") {
			return nil, errOption
		}
		namespaces := strings.Split(strings.Trim(value, `"`), ",")
		if !slices.Contains(namespaces, sshNamespace) && !slices.Contains(namespaces, "*") {
			return nil, nil
		}
	}
	return key, nil
}

// isOption reports whether a word in front of a key is an option, of either kind
// of file, and no principal.
func isOption(word string) bool {
	if strings.Contains(word, `="`) {
		return true
	}
	word = strings.TrimPrefix(strings.ToLower(word), "no-")
	return slices.Contains([]string{
		"cert-authority", "restrict", "touch-required", "verify-required", "pty",
		"agent-forwarding", "port-forwarding", "user-rc", "x11-forwarding",
	}, word)
}

// authorizedKeys reads an authorized_keys file as Flux does: its options count
// for nothing, and a line that can't be read makes it none.
func authorizedKeys(text string) []ssh.PublicKey {
	var keys []ssh.PublicKey
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil
		}
		keys = append(keys, key)
	}
	return keys
}

// checkSSH checks a signature in armor. One of RSA with SHA-1 can't be read.
func (s Signers) checkSSH(o signedObject) error {
	signature, err := sshsig.Unarmor([]byte(o.signature))
	if err != nil {
		return fmt.Errorf("%s has an SSH signature that can't be read: %w", o.name, err)
	}
	by := "SSH key " + ssh.FingerprintSHA256(signature.PublicKey)
	if signature.Namespace != sshNamespace {
		return fmt.Errorf("%s has a signature by %s that is for %q, not for %q: sign it with Git", o.name, by, signature.Namespace, sshNamespace)
	}
	signer := signature.PublicKey.Marshal()
	i := slices.IndexFunc(s.ssh, func(key ssh.PublicKey) bool { return bytes.Equal(key.Marshal(), signer) })
	if i < 0 {
		return s.unknown(o, by)
	}
	if err := sshsig.Verify(strings.NewReader(o.payload), signature, s.ssh[i], signature.HashAlgorithm, sshNamespace); err != nil {
		return s.mismatch(o, by, err)
	}
	return nil
}
