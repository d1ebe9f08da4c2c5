package git_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

const (
	password = "s3cret-pa55word"
	token    = "t0ken-of-infra"
)

func TestAccessByHTTP(t *testing.T) {
	r := newInfra(t)
	open := serveHTTP(t, r, gitserver.HTTPOptions{}).URL
	basic := serveHTTP(t, r, gitserver.HTTPOptions{Username: "agent", Password: password}).URL
	bearer := serveHTTP(t, r, gitserver.HTTPOptions{Token: token}).URL
	secure := serveHTTP(t, r, gitserver.HTTPOptions{Username: "agent", Password: password, TLS: true})
	other := serveHTTP(t, r, gitserver.HTTPOptions{TLS: true})
	inURL := func(url string) string {
		return strings.Replace(url, "://", "://agent:"+password+"@", 1)
	}

	for _, test := range []struct {
		name   string
		url    string
		secret *git.Credentials // nil for no secretRef
		want   string           // the error after the URL; empty if there is none
	}{
		{name: "nothing is asked for", url: open},
		{name: "credentials that nobody asks for do no harm", url: open, secret: &git.Credentials{Username: "agent", Password: password}},
		{name: "user and password of the Secret", url: basic, secret: &git.Credentials{Username: "agent", Password: password}},
		{name: "user and password in the URL", url: inURL(basic)},
		{name: "the Secret goes before the URL", url: strings.Replace(basic, "://", "://agent:wrong@", 1), secret: &git.Credentials{Password: password}},
		{name: "a bearer token", url: bearer, secret: &git.Credentials{BearerToken: token}},
		{name: "TLS with a CA of one's own", url: secure.URL, secret: &git.Credentials{Username: "agent", Password: password, CA: secure.CA}},

		{name: "no credentials", url: basic,
			want: `needs credentials: set secretRef`},
		{name: "a Secret with nothing for HTTP", url: basic, secret: &git.Credentials{SSHKey: []byte("k")},
			want: `needs credentials: add username and password, or bearerToken, to Secret "infra"`},
		{name: "a wrong password", url: basic, secret: &git.Credentials{Username: "agent", Password: "hunter2"},
			want: `authentication refused: check Secret "infra"`},
		{name: "a wrong password in the URL", url: strings.Replace(basic, "://", "://agent:hunter2@", 1),
			want: `authentication refused: check the user and password in the URL`},
		{name: "a wrong token", url: bearer, secret: &git.Credentials{BearerToken: "hunter2"},
			want: `authentication refused: check Secret "infra"`},
		{name: "no CA", url: secure.URL,
			want: `the server's certificate is signed by an unknown authority: set secretRef to a Secret with its CA as ca.crt`},
		{name: "another CA", url: secure.URL, secret: &git.Credentials{CA: other.CA},
			want: `the server's certificate is not signed by the CA in ca.crt: check Secret "infra"`},
		{name: "a CA that is none", url: secure.URL, secret: &git.Credentials{CA: []byte("none")},
			want: `ca.crt holds no certificate in PEM: check Secret "infra"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			repository := onMain(test.url + infraName)
			store := newStore(t, git.Credentials{})
			if test.secret != nil {
				repository = withSecret(repository)
				store = newStore(t, *test.secret)
			}
			if test.want == "" {
				_, tree := fetched(t, store, repository)
				wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
				return
			}
			_, err := store.Resolve(t.Context(), "infra", repository)
			doing := "fetching "
			if strings.HasPrefix(test.want, "the server's certificate") {
				doing = "connecting to "
			}
			wantError(t, err, doing+gitindex.Redact(test.url)+infraName+": "+test.want)
			wantNoSecret(t, err, password, "hunter2", token)
		})
	}
}

func TestAccessBySSH(t *testing.T) {
	r := newInfra(t)
	private, public, err := gitserver.GenerateKey()
	must(t, err)
	stranger, _, err := gitserver.GenerateKey()
	must(t, err)
	key, err := ssh.ParseRawPrivateKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(password))
	must(t, err)
	encrypted := pem.EncodeToMemory(block)

	server := serveSSH(t, r, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}, Password: password})
	other := serveSSH(t, r, gitserver.SSHOptions{})
	hostKey := keyOf(t, server.KnownHosts)
	fingerprint := "ssh-ed25519 " + ssh.FingerprintSHA256(hostKey)
	otherKey := knownhosts.Line([]string{knownhosts.Normalize(server.Address)}, keyOf(t, other.KnownHosts))
	hashed := knownhosts.Line([]string{knownhosts.HashHostname(knownhosts.Normalize(server.Address))}, hostKey)

	for _, test := range []struct {
		name   string
		secret *git.Credentials
		want   string // with SERVER for host and port
	}{
		{name: "a key", secret: &git.Credentials{SSHKey: private, KnownHosts: server.KnownHosts}},
		{name: "an encrypted key", secret: &git.Credentials{SSHKey: encrypted, SSHKeyPassphrase: password, KnownHosts: server.KnownHosts}},
		{name: "a password", secret: &git.Credentials{Password: password, KnownHosts: server.KnownHosts}},
		{name: "known_hosts with hashed names, and other hosts", secret: &git.Credentials{SSHKey: private, KnownHosts: []byte(string(other.KnownHosts) + hashed)}},

		{name: "no credentials",
			want: `the host key of SERVER can't be checked: set secretRef to a Secret with known_hosts`},
		{name: "no known_hosts", secret: &git.Credentials{SSHKey: private},
			want: `the host key of SERVER can't be checked: add known_hosts to Secret "infra"`},
		{name: "a server that known_hosts doesn't have", secret: &git.Credentials{SSHKey: private, KnownHosts: other.KnownHosts},
			want: `the host key of SERVER is not known: if ` + fingerprint + ` is right, add it to known_hosts in Secret "infra"`},
		{name: "a server with another key than known_hosts has", secret: &git.Credentials{SSHKey: private, KnownHosts: []byte(otherKey)},
			want: `the host key of SERVER is not the one in known_hosts: if ` + fingerprint + ` is right, correct known_hosts in Secret "infra"; else somebody is in between`},
		{name: "known_hosts that can't be read", secret: &git.Credentials{SSHKey: private, KnownHosts: []byte("host ssh-ed25519 junk\n")},
			want: `known_hosts can't be read: check Secret "infra": knownhosts: known_hosts:1: ssh: short read`},
		{name: "no key", secret: &git.Credentials{KnownHosts: server.KnownHosts},
			want: `needs credentials: add identity, an SSH private key, to Secret "infra"`},
		{name: "a key that isn't let in", secret: &git.Credentials{SSHKey: stranger, KnownHosts: server.KnownHosts},
			want: `authentication refused: check Secret "infra"`},
		{name: "a key that is none", secret: &git.Credentials{SSHKey: []byte(password), KnownHosts: server.KnownHosts},
			want: `the SSH key can't be read: check Secret "infra": ssh: no key found`},
		{name: "an encrypted key without its passphrase", secret: &git.Credentials{SSHKey: encrypted, KnownHosts: server.KnownHosts},
			want: `the SSH key is encrypted: add its passphrase as password to Secret "infra"`},
		{name: "an encrypted key with a wrong passphrase", secret: &git.Credentials{SSHKey: encrypted, SSHKeyPassphrase: "hunter2", KnownHosts: server.KnownHosts},
			want: `the SSH key can't be read: check Secret "infra": x509: decryption password incorrect`},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := server.URL + infraName
			repository, store := onMain(url), newStore(t, git.Credentials{})
			if test.secret != nil {
				repository, store = withSecret(repository), newStore(t, *test.secret)
			}
			if test.want == "" {
				_, tree := fetched(t, store, repository)
				wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
				return
			}
			_, err := store.Resolve(t.Context(), "infra", repository)
			wantError(t, err, "fetching "+url+": "+strings.ReplaceAll(test.want, "SERVER", server.Address))
			wantNoSecret(t, err, password, "hunter2", string(private))
		})
	}
}

func TestSecretsThatCannotBeRead(t *testing.T) {
	const url = "https://git.example.com/org/infra"
	repository := withSecret(onMain(url))
	missing := func(context.Context, gitindex.Repository) (git.Credentials, error) {
		return git.Credentials{}, errors.New("reading Secret gitonly/infra: not found")
	}

	_, err := git.New(t.TempDir(), missing, git.Options{}).Resolve(t.Context(), "infra", repository)
	wantError(t, err, `fetching `+url+`: reading Secret gitonly/infra: not found`)

	_, err = git.New(t.TempDir(), nil, git.Options{}).Resolve(t.Context(), "infra", repository)
	wantError(t, err, `fetching `+url+`: there is nowhere to read Secret "infra" from`)
}

func TestCredentialsStayWithTheServerTheyAreFor(t *testing.T) {
	r := newInfra(t)
	var sent []string
	listening := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			sent = append(sent, req.Method+" "+req.Header.Get("Authorization"))
			next.ServeHTTP(w, req)
		})
	}
	away := func(to string, status int) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				rest := strings.TrimPrefix(req.URL.RequestURI(), infraName)
				http.Redirect(w, req, to+rest, status)
			})
		}
	}
	elsewhere := serveVia(t, r, listening)
	credentials := git.Credentials{BearerToken: token}

	t.Run("another host and port is asked without them", func(t *testing.T) {
		sent = nil
		from := serveVia(t, r, away(elsewhere, http.StatusMovedPermanently))
		_, tree := fetched(t, newStore(t, credentials), withSecret(onMain(from)))
		wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
		want := []string{"GET ", "GET ", "POST "} // one for Resolve, two for Tree
		if strings.Join(sent, "|") != strings.Join(want, "|") {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})

	t.Run("the same server is asked with them, wherever on it", func(t *testing.T) {
		sent = nil
		backend, err := gitserver.Handler(r.root)
		must(t, err)
		mux := http.NewServeMux()
		mux.Handle("/org/", listening(backend))
		mux.Handle("/old/", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, strings.Replace(req.URL.RequestURI(), "/old/", "/org/", 1), http.StatusFound)
		}))
		server := httptest.NewServer(mux)
		defer server.Close()
		fetched(t, newStore(t, credentials), withSecret(onMain(server.URL+"/old/infra.git")))
		want := []string{"GET Bearer " + token, "GET Bearer " + token, "POST Bearer " + token}
		if strings.Join(sent, "|") != strings.Join(want, "|") {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})

	t.Run("another host that needs some says so", func(t *testing.T) {
		closed := serveHTTP(t, r, gitserver.HTTPOptions{Token: token}).URL
		from := serveVia(t, r, away(closed+infraName, http.StatusMovedPermanently))
		_, err := newStore(t, credentials).Resolve(t.Context(), "infra", withSecret(onMain(from)))
		wantError(t, err, "fetching "+from+": the server leads to "+closed+
			", which needs credentials, and they are not passed on to another host: use its URL")
	})

	t.Run("a server that leads in circles is given up on", func(t *testing.T) {
		self := serveVia(t, r, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, req.URL.RequestURI(), http.StatusFound)
			})
		})
		_, err := newStore(t, credentials).Resolve(t.Context(), "infra", onMain(self))
		wantError(t, err, "connecting to "+self+": the server leads on and on, last to "+self+"/info/refs")
	})

	t.Run("a way from https to http is not taken", func(t *testing.T) {
		server := httptest.NewTLSServer(away(elsewhere, http.StatusFound)(nil))
		defer server.Close()
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		store := newStore(t, git.Credentials{BearerToken: token, CA: ca})
		_, err := store.Resolve(t.Context(), "infra", withSecret(onMain(server.URL+infraName)))
		wantError(t, err, "connecting to "+server.URL+infraName+": the server leads to "+elsewhere+"/info/refs, which is less safe: not followed")
	})
}

func keyOf(t *testing.T, knownHosts []byte) ssh.PublicKey {
	t.Helper()
	_, _, key, _, _, err := ssh.ParseKnownHosts(knownHosts)
	must(t, err)
	return key
}

// wantNoSecret looks through what an error shows, and what it wraps.
func wantNoSecret(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a secret shows in %q", err)
			}
		}
	}
}
