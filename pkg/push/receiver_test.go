package push_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/push"
)

const token = "correct horse"

// sources are looked at again, in order of name.
type sources struct{ refreshed []string }

func (s *sources) Refresh(name string) { s.refreshed = append(s.refreshed, name) }

func (s *sources) Latest() *gitindex.Snapshot {
	of := func(name, url string, references ...string) gitindex.SourceState {
		source := gitindex.Source{Name: name, Repository: gitindex.Repository{URL: url}, References: map[string]gitindex.Repository{}}
		for _, reference := range references {
			source.References["$values"] = gitindex.Repository{URL: reference}
		}
		return gitindex.SourceState{Source: source}
	}
	return gitindex.NewSnapshot([]gitindex.SourceState{
		of("a", "https://git.example.com/org/infra.git"),
		of("b", "git@git.example.com:org/infra"),
		of("c", "ssh://git@git.example.com:2222/Org/Infra.git"),
		of("d", "https://git.example.com/org/other"),
		of("e", "https://charts.example.com/x", "https://git.example.com/org/infra"),
		of("f", "file:///srv/org/infra"),
	})
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func send(t *testing.T, method string, header map[string]string, body string, tokenErr error) (int, string, []string) {
	t.Helper()
	var s sources
	receiver := push.NewReceiver(func(context.Context) ([]byte, error) { return []byte(token), tokenErr }, &s, logr.Discard())
	request := httptest.NewRequestWithContext(t.Context(), method, "/push", strings.NewReader(body))
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	receiver.ServeHTTP(recorder, request)
	return recorder.Code, strings.TrimSpace(recorder.Body.String()), s.refreshed
}

func TestAPushMakesItsSourcesBeLookedAt(t *testing.T) {
	github := `{"ref":"refs/heads/main","repository":{"full_name":"org/infra","clone_url":"https://git.example.com/org/infra.git","ssh_url":"git@git.example.com:org/infra.git"}}`
	gitlab := `{"object_kind":"push","project":{"git_ssh_url":"git@git.example.com:org/infra.git","git_http_url":"https://git.example.com/org/infra.git"}}`
	bitbucket := `{"push":{},"repository":{"links":{"html":{"href":"https://git.example.com/org/infra"}}}}`
	dataCenter := `{"eventKey":"repo:refs_changed","repository":{"links":{"clone":[{"href":"ssh://git@git.example.com:7999/org/infra.git","name":"ssh"}]}}}`
	form := url.Values{"payload": {github}}.Encode()
	for _, test := range []struct {
		name   string
		header map[string]string
		body   string
	}{
		{"from GitHub", map[string]string{"X-Hub-Signature": "sha1=00", "X-Hub-Signature-256": "sha256=" + sign(github)}, github},
		{"from GitHub, as a form", map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Hub-Signature-256": "sha256=" + sign(form)}, form},
		{"from GitLab", map[string]string{"X-Gitlab-Token": token}, gitlab},
		{"from Gitea", map[string]string{"X-Gitea-Signature": sign(github)}, github},
		{"from Bitbucket", map[string]string{"X-Hub-Signature": "sha256=" + sign(bitbucket)}, bitbucket},
		{"from Bitbucket Data Center", map[string]string{"X-Hub-Signature": "sha256=" + sign(dataCenter)}, dataCenter},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, said, refreshed := send(t, http.MethodPost, test.header, test.body, nil)
			if code != http.StatusAccepted || said != "sources looked at: 4" {
				t.Errorf("answer is %d %q", code, said)
			}
			if want := []string{"a", "b", "c", "e"}; !slices.Equal(refreshed, want) {
				t.Errorf("looked at %q, want %q", refreshed, want)
			}
		})
	}
}

func TestNothingElseDoes(t *testing.T) {
	body := `{"repository":{"clone_url":"https://git.example.com/org/infra.git"}}`
	signed := map[string]string{"X-Hub-Signature-256": "sha256=" + sign(body)}
	const (
		unsigned = "the request has no signature or token: set the webhook's secret at the Git server"
		wrong    = "the signature or token is wrong: set the webhook's secret at the Git server to the one that gitonly has"
		nowhere  = "the request names no repository: send push events, as JSON"
	)
	with := func(name, value string) map[string]string { return map[string]string{name: value} }
	for _, test := range []struct {
		name     string
		method   string
		header   map[string]string
		body     string
		tokenErr error
		code     int
		said     string
	}{
		{name: "a GET", method: http.MethodGet, header: signed, body: body, code: 405, said: "webhooks are sent with POST"},
		{name: "no signature", body: body, code: 403, said: unsigned},
		{name: "only one by SHA-1", header: with("X-Hub-Signature", "sha1=00"), body: body, code: 403, said: unsigned},
		{name: "another's signature", header: signed, body: body + " ", code: 403, said: wrong},
		{name: "a signature that is none", header: with("X-Gitea-Signature", "zz"), body: body, code: 403, said: wrong},
		{name: "a wrong token", header: with("X-Gitlab-Token", "correct horsf"), body: body, code: 403, said: wrong},
		{name: "no token to check with", header: signed, body: body, tokenErr: errors.New("not found"), code: 503, said: "gitonly has no token to check this with: see its log"},
		{name: "no JSON", header: with("X-Gitlab-Token", token), body: "push", code: 400, said: nowhere},
		{name: "no repository", header: with("X-Gitlab-Token", token), body: `{"zen":"Keep it simple."}`, code: 400, said: nowhere},
		{name: "a repository without an address", header: with("X-Gitlab-Token", token), body: `{"repository":{"clone_url":"infra"}}`, code: 400, said: nowhere},
		{name: "a repository that nothing is made of", header: with("X-Gitlab-Token", token), body: `{"repository":{"clone_url":"https://git.example.com/org/app"}}`, code: 202, said: "sources looked at: 0"},
		{name: "too much", header: with("X-Gitlab-Token", token), body: strings.Repeat(" ", 27<<20), code: 413, said: "the request is too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.method == "" {
				test.method = http.MethodPost
			}
			code, said, refreshed := send(t, test.method, test.header, test.body, test.tokenErr)
			if code != test.code || said != test.said {
				t.Errorf("answer is %d %q, want %d %q", code, said, test.code, test.said)
			}
			if len(refreshed) > 0 {
				t.Errorf("looked at %q", refreshed)
			}
		})
	}
}
