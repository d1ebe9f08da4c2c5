package gitserver

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Sign makes a signature in armor of the content of a commit or tag.
type Sign func(content []byte) (signature string, err error)

// SignSSH signs with an SSH key, as Git does with gpg.format=ssh.
func SignSSH(key ssh.Signer) Sign {
	return func(content []byte) (string, error) {
		signature, err := sshsig.Sign(bytes.NewReader(content), key, sshsig.HashSHA512, "git")
		if err != nil {
			return "", err
		}
		return string(sshsig.Armor(signature)), nil
	}
}

// SignCommit writes a commit again, with a signature, moves a branch to it, and
// returns its hash.
func (r *Repository) SignCommit(branch, commit string, sign Sign) (string, error) {
	content, err := r.Git("cat-file", "commit", commit)
	if err != nil {
		return "", err
	}
	content += "\n"
	signature, err := sign([]byte(content))
	if err != nil {
		return "", fmt.Errorf("signing %s: %w", commit, err)
	}
	headers, message, _ := strings.Cut(content, "\n\n")
	folded := strings.ReplaceAll(strings.TrimSpace(signature), "\n", "\n ")
	hash, err := r.write("commit", fmt.Sprintf("%s\ngpgsig %s\n\n%s", headers, folded, message))
	if err != nil {
		return "", err
	}
	return hash, r.SetBranch(branch, hash)
}

// SignedTag makes or moves a tag that is an object of its own, with a signature.
func (r *Repository) SignedTag(name, commit string, sign Sign) error {
	content := fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger gitonly <e2e@gitonly.dev> %d +0000\n\nrelease\n", commit, name, time.Now().Unix())
	signature, err := sign([]byte(content))
	if err != nil {
		return fmt.Errorf("signing tag %s: %w", name, err)
	}
	hash, err := r.write("tag", content+strings.TrimSpace(signature)+"\n")
	if err != nil {
		return err
	}
	_, err = r.Git("update-ref", "refs/tags/"+name, hash)
	return err
}

// write stores an object.
func (r *Repository) write(kind, content string) (hash string, err error) {
	return run(r.Dir, []byte(content), "hash-object", "-t", kind, "-w", "--stdin")
}
