package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// httpRemote speaks Git's smart HTTP.
type httpRemote struct {
	client *http.Client
	base   *url.URL
	who    access
	limit  int64

	// authorize adds the credentials to a request; nil if there are none, or
	// none any more because the server led elsewhere.
	authorize func(*http.Request)
	ledAway   bool

	advertised *refs
}

func newHTTPRemote(a address, who access, limit int64) (*httpRemote, error) {
	transport, err := who.transport(a.host)
	if err != nil {
		return nil, err
	}
	r := &httpRemote{base: a.base(), who: who, limit: limit, authorize: authorization(a, who.Credentials)}
	r.client = &http.Client{Transport: transport, CheckRedirect: r.checkRedirect}
	return r, nil
}

// authorization prefers what a Secret says to what the URL says.
func authorization(a address, c Credentials) func(*http.Request) {
	username, password := a.username, a.password
	switch {
	case c.BearerToken != "":
		return func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+c.BearerToken) }
	case c.Username != "":
		username, password = c.Username, c.Password
	case c.Password != "":
		password = c.Password
	}
	if username == "" && password == "" {
		return nil
	}
	if username == "" {
		username = "git" // what it is doesn't matter to hosts that take tokens as passwords
	}
	return func(req *http.Request) { req.SetBasicAuth(username, password) }
}

const maxRedirects = 5

// checkRedirect follows the first request to where the server leads, as git
// does, but takes the credentials along only within the same host and port.
func (r *httpRemote) checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	to := gitindex.Redact(req.URL.Scheme + "://" + req.URL.Host + req.URL.Path)
	switch {
	case req.Method != http.MethodGet || via[0].Method != http.MethodGet:
		return fmt.Errorf("the server leads to %s in the middle of a fetch", to)
	case len(via) > maxRedirects:
		return fmt.Errorf("the server leads on and on, last to %s", to)
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || from.Scheme == "https"):
		return fmt.Errorf("the server leads to %s, which is less safe: not followed", to)
	}
	if !sameServer(r.base, req.URL) {
		r.ledAway = r.ledAway || r.authorize != nil
		r.authorize = nil
	}
	// net/http carries the header to subdomains, and to other ports.
	if r.authorize == nil {
		req.Header.Del("Authorization")
	}
	req.URL.User = nil
	return nil
}

// sameServer also holds for the step from http to https on standard ports.
func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) ||
		a.Scheme == "http" && b.Scheme == "https" && a.Port() == "" && b.Port() == "" && strings.EqualFold(a.Host, b.Host)
}

const service = "git-upload-pack"

func (r *httpRemote) refs(ctx context.Context) (*refs, error) {
	u := r.base.JoinPath("info/refs")
	u.RawQuery = "service=" + service
	response, err := r.send(ctx, http.MethodGet, u, nil, "application/x-"+service+"-advertisement")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	// What follows is asked where the answer came from.
	end := *response.Request.URL
	end.RawQuery = ""
	if !strings.HasSuffix(end.Path, "/info/refs") {
		return nil, fmt.Errorf("the server leads to %s, which is no repository", gitindex.Redact(end.String()))
	}
	r.base = end.JoinPath("../..")
	r.advertised, err = readRefs(response.Body)
	return r.advertised, err
}

func (r *httpRemote) pack(ctx context.Context, wants []plumbing.Hash, shallow bool) (io.ReadCloser, error) {
	req, err := ask(r.advertised, wants, shallow)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := writeRequest(&body, req); err != nil {
		return nil, err
	}
	response, err := r.send(ctx, http.MethodPost, r.base.JoinPath(service), &body, "application/x-"+service+"-result")
	if err != nil {
		return nil, err
	}
	pack, err := readPack(req, response.Body)
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return pack, nil
}

// send makes a request, and returns an answer only if it is of the kind that
// was asked for.
func (r *httpRemote) send(ctx context.Context, method string, u *url.URL, body io.Reader, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("the URL can't be asked") // without err, which repeats it
	}
	req.Header.Set("User-Agent", "git/gitonly") // hosts tell git from browsers by the first word
	req.Header.Set("Accept", accept)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-"+service+"-request")
	}
	if r.authorize != nil {
		r.authorize(req)
	}
	response, err := r.client.Do(req)
	if err != nil {
		// Only the inner error: the outer one repeats the URL.
		if outer := (*url.Error)(nil); errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, &connectError{r.who.explain(err, r.base.Hostname())}
	}
	response.Body = &bounded{ReadCloser: response.Body, limit: r.limit}
	if err := r.checkAnswer(response, accept); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

func (r *httpRemote) checkAnswer(response *http.Response, accept string) error {
	switch status := response.StatusCode; status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return r.unauthorized(response)
	case http.StatusForbidden:
		if r.authorize == nil {
			return fmt.Errorf("access refused: %s", r.needs())
		}
		return fmt.Errorf("access refused: see what the credentials may read, and %s", r.who.checkSecret())
	case http.StatusNotFound, http.StatusGone:
		return errNoRepository
	default:
		return fmt.Errorf("the server answers %d %s", status, http.StatusText(status))
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != accept {
		return fmt.Errorf("no Git server answers there (but something that sends %q)", kind)
	}
	return nil
}

func (r *httpRemote) unauthorized(response *http.Response) error {
	switch {
	case r.ledAway:
		return fmt.Errorf("the server leads to %s, which needs credentials, and they are not passed on to another host: use its URL",
			gitindex.Redact(response.Request.URL.Scheme+"://"+response.Request.URL.Host))
	case r.authorize == nil:
		return fmt.Errorf("needs credentials: %s", r.needs())
	default:
		return fmt.Errorf("authentication refused: %s", r.who.checkSecret())
	}
}

func (r *httpRemote) needs() string {
	if r.who.from == (gitindex.SecretRef{}) {
		return "set secretRef"
	}
	return r.who.in("username and password, or bearerToken,")
}

func (r *httpRemote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}
