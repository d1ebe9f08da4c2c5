package git_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// github is GitHub's API for one app.
type github struct {
	*httptest.Server
	key      *rsa.PrivateKey
	lifetime time.Duration // of tokens
	status   int           // of every answer, if not zero

	mu    sync.Mutex
	asked []string
}

func serveGitHub(t *testing.T) *github {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	g := &github{key: key, lifetime: time.Hour}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /app/installations/7/access_tokens", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token": %q, "expires_at": %q}`, token, time.Now().Add(g.lifetime).UTC().Format(time.RFC3339))
	})
	mux.HandleFunc("GET /users/org/installation", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id": 7}`) })
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g.mu.Lock()
		g.asked = append(g.asked, req.Method+" "+req.URL.Path)
		g.mu.Unlock()
		claims := &jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), claims, func(*jwt.Token) (any, error) { return &g.key.PublicKey, nil })
		switch {
		case err != nil || claims.Issuer != "42":
			http.Error(w, `{"message": "hunter2"}`, http.StatusUnauthorized)
		case g.status != 0:
			http.Error(w, `{"message": "hunter2"}`, g.status)
		default:
			mux.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

// pem is the app's key.
func (g *github) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(g.key)})
}

func (g *github) log() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

func TestAGitHubAppsTokenIsAPassword(t *testing.T) {
	r := newInfra(t)
	url := serveHTTP(t, r, gitserver.HTTPOptions{Username: "x-access-token", Password: token}).URL + infraName
	const asks = "POST /app/installations/7/access_tokens"
	for _, test := range []struct {
		name     string
		app      git.GitHubApp
		lifetime time.Duration
		want     []string
	}{
		{"it is kept", git.GitHubApp{Installation: 7}, time.Hour, []string{asks}},
		{"it is asked for again before it expires", git.GitHubApp{Installation: 7}, 30 * time.Second, []string{asks, asks, asks}},
		{"of whoever has installed the app", git.GitHubApp{Owner: "org"}, time.Hour, []string{"GET /orgs/org/installation", "GET /users/org/installation", asks}},
		{"of the repository's owner", git.GitHubApp{}, time.Hour, []string{"GET /orgs/org/installation", "GET /users/org/installation", asks}},
	} {
		t.Run(test.name, func(t *testing.T) {
			api := serveGitHub(t)
			api.lifetime = test.lifetime
			test.app.ID, test.app.PrivateKey, test.app.URL = 42, api.pem(), api.URL
			store := newStore(t, git.Credentials{App: &test.app})
			_, tree := fetched(t, store, withSecret(onMain(url))) // asks twice
			wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
			_, err := store.Resolve(t.Context(), "infra", withSecret(onMain(url)))
			must(t, err)
			if diff := cmp.Diff(test.want, api.log()); diff != "" {
				t.Errorf("asked differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAGitHubAppThatGetsNoToken(t *testing.T) {
	const url = "https://git.example.com/org/infra.git"
	api, strange := serveGitHub(t), serveGitHub(t)
	broken := serveGitHub(t)
	broken.status = http.StatusBadGateway
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	for _, test := range []struct {
		name string
		app  git.GitHubApp
		want string
	}{
		{"another app's key", git.GitHubApp{Installation: 7, PrivateKey: strange.pem(), URL: api.URL}, api.URL + ` doesn't know the GitHub App 42 by its key: check Secret "infra"`},
		{"another installation", git.GitHubApp{Installation: 8, PrivateKey: api.pem(), URL: api.URL}, `the GitHub App 42 has no installation 8 at ` + api.URL + `: check Secret "infra"`},
		{"not installed", git.GitHubApp{Owner: "others", PrivateKey: api.pem(), URL: api.URL}, `the GitHub App 42 is not installed for others at ` + api.URL + `: check Secret "infra"`},
		{"a key that is none", git.GitHubApp{Installation: 7, PrivateKey: []byte("hunter2"), URL: api.URL}, `githubAppPrivateKey is not an RSA key in PEM: check Secret "infra"`},
		{"a URL that is none", git.GitHubApp{Installation: 7, PrivateKey: api.pem(), URL: "https://user:hunter2@example.com"}, `the URL of the GitHub App's API is none: check Secret "infra"`},
		{"a fault of GitHub's", git.GitHubApp{Installation: 7, PrivateKey: broken.pem(), URL: broken.URL}, `asking ` + broken.URL + ` for a token of the GitHub App 42: the server answers 502 Bad Gateway`},
		{"nobody there", git.GitHubApp{Installation: 7, PrivateKey: api.pem(), URL: gone.URL}, `asking ` + gone.URL + ` for a token of the GitHub App: dial tcp ` + strings.TrimPrefix(gone.URL, "http://") + `: connect: connection refused`},
		{"an unknown authority", git.GitHubApp{Installation: 7, PrivateKey: api.pem(), URL: secure.URL}, `asking ` + secure.URL + ` for a token of the GitHub App: the server's certificate is signed by an unknown authority: add its CA as ca.crt to Secret "infra"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.app.ID = 42
			_, err := newStore(t, git.Credentials{App: &test.app}).Resolve(t.Context(), "infra", withSecret(onMain(url)))
			wantError(t, err, "fetching "+url+": "+test.want)
			wantNoSecret(t, err, "hunter2", token)
		})
	}
}

func TestAProxyIsAskedForWhatItIsFor(t *testing.T) {
	r := newInfra(t)
	backend, err := gitserver.Handler(r.root)
	must(t, err)
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, secret, _ := (&http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}).BasicAuth()
		asked = append(asked, req.Method+" "+req.URL.Host+" "+user+":"+secret)
		backend.ServeHTTP(w, req)
	}))
	defer proxy.Close()
	const url = "http://git.example.invalid" + infraName
	from := cabinet{secrets: map[string]map[string]string{"proxy": {"address": proxy.URL, "username": "u", "password": password}}}
	store := git.New(t.TempDir(), git.CredentialsFrom(from), git.Options{})
	repository := onMain(url)
	repository.Proxy = gitindex.SecretRef{Name: "proxy"}
	_, tree := fetched(t, store, repository)
	wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
	want := []string{"GET git.example.invalid u:" + password, "GET git.example.invalid u:" + password, "POST git.example.invalid u:" + password}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked differs (-want +got):\n%s", diff)
	}
}
