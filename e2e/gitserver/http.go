package gitserver

import (
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"path/filepath"
)

// HTTPOptions say how repositories are served over HTTP. The zero value
// serves them to everyone, without TLS, on a free port of loopback.
type HTTPOptions struct {
	Address            string // such as 127.0.0.1:8080
	Username, Password string // asked for if one of them is set
	Token              string // a bearer token, asked for if set; either does where both are set
	TLS                bool   // serve https, with a certificate of HTTPServer.CA
}

// HTTPServer serves the repositories of a folder by smart HTTP.
type HTTPServer struct {
	URL string // of the folder: a repository is at URL + "/name.git"
	CA  []byte // PEM; nil without TLS

	server *http.Server
}

// ServeHTTP serves the repositories below root until Close.
func ServeHTTP(root string, options HTTPOptions) (*HTTPServer, error) {
	backend, err := Handler(root)
	if err != nil {
		return nil, err
	}
	listener, err := listen(options.Address)
	if err != nil {
		return nil, err
	}
	s := &HTTPServer{
		URL:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: authenticate(backend, options), ErrorLog: quiet()},
	}
	if options.TLS {
		ca, certificate, err := selfSigned()
		if err != nil {
			_ = listener.Close()
			return nil, err
		}
		s.CA, s.URL = ca, "https://"+listener.Addr().String()
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server and its connections.
func (s *HTTPServer) Close() error { return s.server.Close() }

// Handler serves the repositories below root through git http-backend.
func Handler(root string) (http.Handler, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	libexec, err := run(root, nil, "--exec-path")
	if err != nil {
		return nil, err
	}
	return &cgi.Handler{
		Path: filepath.Join(libexec, "git-http-backend"),
		Dir:  root,
		// What it complains of is in its answer too.
		Stderr: io.Discard,
		Logger: quiet(),
		Env:    append(Env(), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}, nil
}

func authenticate(next http.Handler, o HTTPOptions) http.Handler {
	if o.Username == "" && o.Password == "" && o.Token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, basic := r.BasicAuth()
		switch {
		case basic && o.Username+o.Password != "" && same(username, o.Username) && same(password, o.Password):
		case o.Token != "" && same(r.Header.Get("Authorization"), "Bearer "+o.Token):
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving git: %w", err)
	}
	return listener, nil
}
