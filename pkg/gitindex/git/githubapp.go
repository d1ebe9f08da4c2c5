package git

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

// GitHubApp is an app that may read repositories. Printed, it shows nothing.
type GitHubApp struct {
	ID           int64
	Installation int64  // 0 for the one that Owner has
	Owner        string // an organization or user; empty for the repository's
	PrivateKey   []byte // PEM
	URL          string // of the API; empty for github.com's
}

// String says that there is one.
func (*GitHubApp) String() string { return "GitHub App" }

// GoString is String, for %#v.
func (a *GitHubApp) GoString() string { return a.String() }

const githubAPI = "https://api.github.com"

// githubTokens gets tokens for GitHub Apps, and keeps them until shortly before
// they expire.
type githubTokens struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*ghinstallation.Transport
}

// mostTokens bounds how many are kept: there is one for each Secret, and its
// earlier contents.
const mostTokens = 256

// token returns a token for the repositories of an owner. Its errors hold
// nothing of the app's key, or of a token.
func (g *githubTokens) token(ctx context.Context, a access, owner string) (string, error) {
	app := *a.App
	if app.Owner == "" {
		app.Owner = owner
	}
	if app.URL == "" {
		app.URL = githubAPI
	}
	at, err := url.Parse(app.URL)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.User != nil || at.RawQuery != "" {
		return "", fmt.Errorf("the URL of the GitHub App's API is none: %s", a.checkSecret())
	}
	installation, err := g.installation(ctx, a, &app, at.Hostname())
	if err != nil {
		return "", err
	}
	token, err := installation.Token(ctx)
	if err != nil {
		return "", a.explainGitHub(err, &app, at.Hostname())
	}
	if token == "" {
		return "", fmt.Errorf("%s gave no token for the GitHub App", at.Host)
	}
	return token, nil
}

// installation is the one transport of an app's installation, which holds its
// token.
func (g *githubTokens) installation(ctx context.Context, a access, app *GitHubApp, host string) (*ghinstallation.Transport, error) {
	id := identify(a, app)
	g.mu.Lock()
	known := g.known[id]
	g.mu.Unlock()
	if known != nil {
		return known, nil
	}
	below, err := a.transport(host)
	if err != nil {
		return nil, err
	}
	below.DisableKeepAlives = true // it is asked once an hour
	apps, err := ghinstallation.NewAppsTransport(modest{below}, app.ID, app.PrivateKey)
	if err != nil { // which may quote the key
		return nil, fmt.Errorf("githubAppPrivateKey is not an RSA key in PEM: %s", a.checkSecret())
	}
	apps.BaseURL = app.URL
	number := app.Installation
	if number == 0 {
		if number, err = findInstallation(ctx, apps, app); err != nil {
			return nil, a.explainGitHub(err, app, host)
		}
	}
	made := ghinstallation.NewFromAppsTransport(apps, number)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil || len(g.known) >= mostTokens {
		g.known = map[[sha256.Size]byte]*ghinstallation.Transport{}
	}
	g.known[id] = made
	return made, nil
}

// identify is different for whatever makes a difference to a token.
func identify(a access, app *GitHubApp) [sha256.Size]byte {
	var proxy Proxy
	if a.Proxy != nil {
		proxy = *a.Proxy
	}
	encoded, _ := json.Marshal([]any{app.ID, app.Installation, app.Owner, app.PrivateKey, app.URL, // only text and numbers: this can't go wrong
		a.authorities(hostOf(app.URL)), a.ClientCert, a.ClientKey, proxy.Address, proxy.Username, proxy.Password, proxy.Except})
	return sha256.Sum256(encoded)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// findInstallation asks where an app is installed for an owner, which is an
// organization or a user.
func findInstallation(ctx context.Context, apps *ghinstallation.AppsTransport, app *GitHubApp) (int64, error) {
	if app.Owner == "" {
		return 0, errors.New("the repository's URL names no owner")
	}
	var status *githubStatus
	for _, kind := range []string{"orgs", "users"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, app.URL+"/"+kind+"/"+url.PathEscape(app.Owner)+"/installation", nil)
		if err != nil {
			return 0, errors.New("its URL can't be asked")
		}
		response, err := apps.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		var found struct {
			ID int64 `json:"id"`
		}
		err = json.NewDecoder(response.Body).Decode(&found)
		_ = response.Body.Close()
		switch {
		case response.StatusCode == http.StatusNotFound:
			status = &githubStatus{response.StatusCode}
			continue
		case response.StatusCode != http.StatusOK:
			return 0, &githubStatus{response.StatusCode}
		case err != nil || found.ID == 0:
			return 0, errors.New("the answer can't be read")
		}
		return found.ID, nil
	}
	return 0, status
}

// githubStatus is an answer that isn't the one wanted.
type githubStatus struct{ code int }

func (s *githubStatus) Error() string {
	return fmt.Sprintf("the server answers %d %s", s.code, http.StatusText(s.code))
}

// explainGitHub says what is wrong with an app, without what the API says of
// it.
func (a access) explainGitHub(err error, app *GitHubApp, host string) error {
	var status *githubStatus
	var failed *ghinstallation.HTTPError
	if errors.As(err, &failed) {
		err = failed.RootCause
		if failed.Response != nil {
			_ = failed.Response.Body.Close()
			status = &githubStatus{failed.Response.StatusCode}
		}
	} else {
		errors.As(err, &status)
	}
	where := app.URL
	switch {
	case status == nil && err == nil:
		return fmt.Errorf("asking %s for a token of the GitHub App: no answer", where)
	case status == nil:
		return fmt.Errorf("asking %s for a token of the GitHub App: %w", where, a.explain(err, host))
	case status.code == http.StatusUnauthorized:
		return fmt.Errorf("%s doesn't know the GitHub App %d by its key: %s", where, app.ID, a.checkSecret())
	case status.code == http.StatusNotFound && app.Installation == 0:
		return fmt.Errorf("the GitHub App %d is not installed for %s at %s: %s", app.ID, app.Owner, where, a.checkSecret())
	case status.code == http.StatusNotFound:
		return fmt.Errorf("the GitHub App %d has no installation %d at %s: %s", app.ID, app.Installation, where, a.checkSecret())
	}
	return fmt.Errorf("asking %s for a token of the GitHub App %d: %w", where, app.ID, status)
}

// modest reads no more of an answer than a token takes.
type modest struct{ next http.RoundTripper }

func (m modest) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := m.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	const most = 1 << 20
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, most), response.Body}
	return response, nil
}

// ownerOf is the first part of a repository's path.
func ownerOf(path string) string {
	owner, _, _ := strings.Cut(strings.Trim(path, "/"), "/")
	return owner
}
