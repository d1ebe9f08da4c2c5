package git

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// address is where a repository is, taken apart. What identifies somebody is
// kept away from what is shown.
type address struct {
	scheme             string // https, http, ssh or file
	username, password string
	host, port         string
	path               string
	shown              string // the URL as it may be read by anyone
}

// scpLike is user@host:path, ssh's older spelling.
var scpLike = regexp.MustCompile(`^(?:([^@:/\s]+)@)?([^@:/\s\[\]]+|\[[0-9a-fA-F:.]+\]):([^\s].*)$`)

func parseAddress(raw string) (address, error) {
	shown := gitindex.Redact(raw)
	wrong := func(why string) (address, error) {
		return address{}, fmt.Errorf("%s is not the URL of a repository: %s", shown, why)
	}
	switch {
	case raw == "":
		return address{}, errors.New("no URL is set: set one that begins with https://, ssh:// or file://, or user@host:path")
	case filepath.IsAbs(raw):
		return address{scheme: "file", path: raw, shown: shown}, nil
	case !strings.Contains(raw, "://"):
		if shown != raw {
			return wrong("a password has no place in user@host:path")
		}
		m := scpLike.FindStringSubmatch(raw)
		if m == nil {
			return wrong("begin it with https://, http://, ssh:// or file://, or write user@host:path")
		}
		return address{scheme: "ssh", username: m[1], host: strings.Trim(m[2], "[]"), path: m[3], shown: shown}.checked()
	}
	u, err := url.Parse(raw)
	if err != nil {
		// Without the error itself, which repeats the URL.
		return wrong("it can't be parsed; characters that are special in a URL are percent-encoded in a user and password")
	}
	a := address{scheme: strings.ToLower(u.Scheme), host: u.Hostname(), port: u.Port(), path: u.EscapedPath(), shown: shown}
	a.username = u.User.Username()
	a.password, _ = u.User.Password()
	switch a.scheme {
	case "https", "http":
	case "ssh", "git+ssh", "ssh+git":
		a.scheme, a.path = "ssh", u.Path
		// ssh://host/~user/repo means the home of user.
		a.path = strings.TrimPrefix(a.path, "/")
		if !strings.HasPrefix(a.path, "~") {
			a.path = "/" + a.path
		}
	case "file":
		if a.host != "" && a.host != "localhost" {
			return wrong("a file URL has three slashes, as file:///srv/git/infra.git has")
		}
		a.path = filepath.FromSlash(u.Path)
		if !filepath.IsAbs(a.path) {
			return wrong("the path of a file URL is absolute")
		}
		return a, nil
	default:
		return wrong(fmt.Sprintf("%s:// is not supported: use https, http, ssh or file", a.scheme))
	}
	return a.checked()
}

func (a address) checked() (address, error) {
	switch {
	case a.host == "":
		return address{}, fmt.Errorf("%s is not the URL of a repository: it names no host", a.shown)
	case strings.Trim(a.path, "/") == "":
		return address{}, fmt.Errorf("%s is not the URL of a repository: it names no path on the host", a.shown)
	case strings.HasPrefix(a.path, "-"):
		// A path like this would be an option of the remote command.
		return address{}, fmt.Errorf("%s is not the URL of a repository: its path begins with a dash", a.shown)
	}
	return a, nil
}

// hostPort is what to dial.
func (a address) hostPort(standard string) string {
	if a.port == "" {
		return net.JoinHostPort(a.host, standard)
	}
	return net.JoinHostPort(a.host, a.port)
}

// base is the URL to ask over HTTP, without credentials.
func (a address) base() *url.URL {
	u := &url.URL{Scheme: a.scheme, Host: a.host}
	if strings.Contains(a.host, ":") {
		u.Host = "[" + a.host + "]"
	}
	if a.port != "" {
		u.Host = net.JoinHostPort(a.host, a.port)
	}
	return u.JoinPath(a.path)
}
