package git

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Proxy is a server that requests go through. Printed, it shows nothing.
type Proxy struct {
	Address            string // a URL, without user and password
	Username, Password string
	Except             string // hosts to ask directly, as in NO_PROXY
}

// String says that there is one.
func (p *Proxy) String() string { return "proxy" }

// GoString is String, for %#v.
func (p *Proxy) GoString() string { return p.String() }

// proxyFromSecret reads a Secret with the keys address, username and password.
func proxyFromSecret(data map[string][]byte) (*Proxy, error) {
	text := func(key string) string { return strings.TrimSpace(string(data[key])) }
	if text("address") == "" {
		return nil, errors.New("its key address is missing, the URL of a proxy")
	}
	p, err := newProxy(text("address"), text("username"), text("password"), "")
	if err != nil {
		return nil, errors.New("its key address: " + err.Error())
	}
	return p, nil
}

func newProxy(address, username, password, except string) (*Proxy, error) {
	wrong := errors.New("it is not the URL of a proxy: write one as http://proxy.example.com:3128")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, wrong // without err, which repeats it
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, wrong
	}
	if username == "" && u.User != nil {
		username = u.User.Username()
		password, _ = u.User.Password()
	}
	u.User = nil
	return &Proxy{Address: u.String(), Username: username, Password: password, Except: except}, nil
}

// choose is a http.Transport's Proxy: of a nil one the environment's.
func (p *Proxy) choose() func(*http.Request) (*url.URL, error) {
	if p == nil {
		return http.ProxyFromEnvironment
	}
	at := p.Address
	if u, err := url.Parse(p.Address); err == nil && p.Username != "" {
		u.User = url.UserPassword(p.Username, p.Password)
		at = u.String()
	}
	config := httpproxy.Config{HTTPProxy: at, HTTPSProxy: at, NoProxy: p.Except}
	choose := config.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}
