package e2e_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// token opens the secured server.
const token = "letmein"

// openRepository serves a repository without commits: to everyone, and over TLS
// to whoever has the token.
func (s *scenario) openRepository() error {
	repository, err := gitserver.Init(filepath.Join(s.dir, ".git-server", s.name+".git"))
	if err != nil {
		return err
	}
	port, err := stage.FreePort()
	if err != nil {
		return err
	}
	s.repository, s.address = repository, fmt.Sprintf("127.0.0.1:%d", port)
	if err := s.serveRepository(); err != nil {
		return err
	}
	s.secured, err = gitserver.ServeHTTP(filepath.Dir(s.repository.Dir), gitserver.HTTPOptions{TLS: true, Token: token})
	if err != nil {
		return err
	}
	path := "/" + filepath.Base(repository.Dir)
	s.variables["GIT_URL"] = s.server.URL + path
	s.variables["GIT_ADDRESS"] = s.address
	s.variables["SECURED_GIT_URL"] = s.secured.URL + path
	s.variables["SECURED_GIT_PAGES"] = s.secured.URL + strings.TrimSuffix(path, ".git")
	if s.signer, err = newSigner(); err != nil {
		return err
	}
	s.variables["SIGNING_KEY"] = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.signer.PublicKey())))
	s.variables["GIT_CA"] = base64.StdEncoding.EncodeToString(s.secured.CA)
	return nil
}

// newSigner is somebody who signs commits.
func newSigner() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

func (s *scenario) serveRepository() error {
	var err error
	s.server, err = gitserver.ServeHTTP(filepath.Dir(s.repository.Dir), gitserver.HTTPOptions{Address: s.address})
	return err
}

// commit makes the files below a folder the content of branch main. $REV and
// $COMMIT are its short and its full hash, $OLDREV is the short one before.
func commit(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	c := gitserver.Commit{Replace: true}
	signed := false
	for len(args) > 1 {
		switch {
		case args[0] == "-force":
			c.Orphan, args = true, args[1:]
		case args[0] == "-signed":
			signed, args = true, args[1:]
		case args[0] == "-m" && len(args) > 2:
			c.Message, args = args[1], args[2:]
		default:
			return errUsage
		}
	}
	if len(args) != 1 {
		return errUsage
	}
	files, err := gitserver.Files(os.DirFS(ts.MkAbs(args[0])))
	if err != nil {
		return err
	}
	c.Files = files
	hash, err := s.repository.Commit(c)
	if err == nil && signed {
		hash, err = s.repository.SignCommit(gitserver.DefaultBranch, hash, gitserver.SignSSH(s.signer))
	}
	if err != nil {
		return err
	}
	if old, ok := s.variables["REV"]; ok {
		s.set(ts, "OLDREV", old)
	}
	s.set(ts, "COMMIT", hash)
	s.set(ts, "REV", hash[:7])
	return nil
}

// git takes the repository's server away, or brings it back.
func git(_ context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	switch strings.Join(args, " ") {
	case "away":
		return s.server.Close()
	case "back":
		return s.serveRepository()
	}
	return errUsage
}

// push tells the webhook of a push to $GIT_URL, as GitHub does where this token
// was entered, and prints the answer.
func push(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	body, err := json.Marshal(map[string]any{
		"ref":        "refs/heads/main",
		"repository": map[string]string{"full_name": "org/infra", "clone_url": s.variables["GIT_URL"]},
	})
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(args[0]))
	mac.Write(body)
	header := http.Header{}
	header.Set("X-GitHub-Event", "push")
	header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	status, answer, err := s.webhook.Push(ctx, header, body)
	if err != nil {
		return err
	}
	say(ts, fmt.Sprintf("%s\n%s", status, answer), "")
	if !strings.HasPrefix(status, "2") {
		return errRefused
	}
	return nil
}

// caughtUp waits until the webhook has looked at the newest commit.
func caughtUp(ctx context.Context, s *scenario, _ *testscript.TestScript, _ []string) error {
	want := "main@" + s.variables["REV"]
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		log, err := os.ReadFile(s.webhook.Log)
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(string(log)) {
			var entry struct{ Msg, Revision string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "source is at a new revision" && entry.Revision == want {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("the webhook has not looked at %s: %w", want, err)
	}
	return nil
}
