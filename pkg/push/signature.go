package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

var (
	errUnsigned = errors.New("the request has no signature or token: set the webhook's secret at the Git server")
	errWrong    = errors.New("the signature or token is wrong: set the webhook's secret at the Git server to the one that gitonly has")
)

// signatures are the headers with an HMAC of the body, by SHA-256 in
// hexadecimal: GitHub's (Gitea and Forgejo send it too), Gitea's, and
// Bitbucket's, which has no other hash either.
var signatures = []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature", "X-Hub-Signature"}

// gitlabToken is the header with GitLab's token as it is.
const gitlabToken = "X-Gitlab-Token"

// verify checks that whoever sent the request knows the token.
func verify(header http.Header, body, token []byte) error {
	if len(token) == 0 {
		return errWrong
	}
	if sent := header.Get(gitlabToken); sent != "" {
		// Hashed, so that the time taken doesn't tell the length.
		got, want := sha256.Sum256([]byte(sent)), sha256.Sum256(token)
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return errWrong
		}
		return nil
	}
	for _, name := range signatures {
		sent := header.Get(name)
		if sent == "" {
			continue
		}
		if strings.HasPrefix(sent, "sha1=") {
			continue // GitHub sends the better one beside it
		}
		mac := hmac.New(sha256.New, token)
		mac.Write(body)
		got, err := hex.DecodeString(strings.TrimPrefix(sent, "sha256="))
		if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			return errWrong
		}
		return nil
	}
	return errUnsigned
}
