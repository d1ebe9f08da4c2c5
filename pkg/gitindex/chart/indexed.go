package chart

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// indexed is a chart repository with an index.yaml.
type indexed struct {
	repository gitindex.Repository
	who        git.Credentials
	base       *url.URL
	options    Options
	client     *http.Client
	authorize  string // the header; empty for none
	indexes    *indexes
}

func newIndexed(repository gitindex.Repository, c git.Credentials, options Options, known *indexes) (*indexed, error) {
	base, err := url.Parse(repository.URL)
	if err != nil || base.Host == "" {
		return nil, errors.New("that is not the URL of a chart repository") // without err, which repeats it
	}
	r := &indexed{repository: repository, who: c, options: options, indexes: known, authorize: authorization(c, base.User)}
	base.User = nil
	r.base = base
	transport, err := git.NewTransport(repository, c, base.Hostname())
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true // it is asked once
	r.client = &http.Client{Transport: transport, CheckRedirect: r.checkRedirect}
	return r, nil
}

// authorization is the header that says who asks.
func authorization(c git.Credentials, user *url.Userinfo) string {
	username, password := c.Username, c.Password
	switch {
	case c.BearerToken != "":
		return "Bearer " + c.BearerToken
	case username == "" && password == "" && user != nil:
		username = user.Username()
		password, _ = user.Password()
	}
	if username == "" && password == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

// checkRedirect lets credentials go only to the repository's own server.
func (r *indexed) checkRedirect(req *http.Request, via []*http.Request) error {
	const most = 5
	to := gitindex.Redact(req.URL.Scheme + "://" + req.URL.Host + req.URL.Path)
	switch {
	case len(via) > most:
		return fmt.Errorf("the server leads on and on, last to %s", to)
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || via[len(via)-1].URL.Scheme == "https"):
		return fmt.Errorf("the server leads to %s, which is less safe: not followed", to)
	}
	if !r.sameServer(req.URL) {
		req.Header.Del("Authorization") // net/http carries it to subdomains, and to other ports
	}
	return nil
}

func (r *indexed) sameServer(u *url.URL) bool {
	return u.Scheme == r.base.Scheme && strings.EqualFold(u.Host, r.base.Host)
}

func (r *indexed) resolve(ctx context.Context) (version, error) {
	e, err := r.find(ctx, r.repository.Ref.SemVer)
	return version{name: e.Version, digest: e.digest()}, err
}

func (r *indexed) fetch(ctx context.Context, revision gitindex.Revision) (packed, error) {
	e, err := r.find(ctx, revision.Name)
	if err != nil {
		return packed{}, err
	}
	if len(e.URLs) == 0 {
		return packed{}, fmt.Errorf("the index names no file of version %s", e.Version)
	}
	base := *r.base
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	at, err := base.Parse(e.URLs[0])
	if err != nil || at.Scheme != "https" && at.Scheme != "http" {
		return packed{}, fmt.Errorf("the index names no URL for the file of version %s", e.Version)
	}
	if at.RawQuery == "" && r.sameServer(at) {
		at.RawQuery = r.base.RawQuery // some repositories have their key in it
	}
	response, err := r.get(ctx, at, nil)
	if err != nil {
		return packed{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(&bounded{response.Body, r.options.MaxSize, "the chart"})
	if err != nil {
		return packed{}, err
	}
	want := revision.Commit
	if want == "" {
		want = e.digest()
	}
	if got := sum(data); want != "" && got != want {
		return packed{}, fmt.Errorf("the file of version %s isn't the one that was announced: its digest is %s, and not %s", e.Version, got, want)
	}
	return packed{data: data, chart: true}, nil
}

// find looks a version up in the index.
func (r *indexed) find(ctx context.Context, want string) (entry, error) {
	entries, err := r.entries(ctx)
	if err != nil {
		return entry{}, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Version
	}
	i, err := pick(want, names)
	if err != nil {
		return entry{}, err
	}
	return entries[i], nil
}

// entries reads the index, unless it is as it was.
func (r *indexed) entries(ctx context.Context) ([]entry, error) {
	key := r.base.String() + " " + r.repository.Chart
	known := r.indexes.get(key)
	at := r.base.JoinPath("index.yaml")
	response, err := r.get(ctx, at, http.Header{"If-None-Match": known.tag, "If-Modified-Since": known.modified})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotModified {
		return known.entries, nil
	}
	entries, err := readIndex(&bounded{response.Body, r.options.MaxIndexSize, "the index"}, r.repository.Chart, r.options.MaxIndexSize/10)
	if err != nil {
		return nil, err
	}
	r.indexes.put(key, index{entries: entries, tag: response.Header.Values("Etag"), modified: response.Header.Values("Last-Modified")})
	return entries, nil
}

// get asks for a URL. Its errors don't repeat that.
func (r *indexed) get(ctx context.Context, at *url.URL, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, errors.New("its URL can't be asked")
	}
	for name, values := range header {
		if len(values) > 0 {
			req.Header[name] = values
		}
	}
	req.Header.Set("User-Agent", "gitonly")
	if r.authorize != "" && r.sameServer(at) {
		req.Header.Set("Authorization", r.authorize)
	}
	response, err := r.client.Do(req)
	if err != nil {
		if outer := (*url.Error)(nil); errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, git.ExplainTLS(err, r.repository, r.who, at.Hostname())
	}
	switch response.StatusCode {
	case http.StatusOK:
		return response, nil
	case http.StatusNotModified:
		if header != nil {
			return response, nil
		}
	}
	_ = response.Body.Close()
	shown := gitindex.Redact(at.String())
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		if r.authorize == "" {
			return nil, fmt.Errorf("%s needs credentials", shown)
		}
		return nil, fmt.Errorf("%s refuses the credentials: check Secret %q", shown, r.repository.Secret.String())
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s is not there", shown)
	}
	return nil, fmt.Errorf("%s: the server answers %d %s", shown, response.StatusCode, http.StatusText(response.StatusCode))
}

// indexes are what the repositories' indexes said last.
type indexes struct {
	mu    sync.Mutex
	known map[string]index
}

type index struct {
	entries       []entry
	tag, modified []string // what the server knows it by
}

// mostIndexes bounds how many are kept: there is one for each chart.
const mostIndexes = 1000

func (i *indexes) get(key string) index {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.known[key]
}

func (i *indexes) put(key string, said index) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || len(i.known) >= mostIndexes {
		i.known = map[string]index{}
	}
	i.known[key] = said
}

// bounded is a reader that fails after a number of bytes.
type bounded struct {
	from io.Reader
	left int64
	what string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%s is larger than is read of one", b.what)
	}
	return n, err
}
