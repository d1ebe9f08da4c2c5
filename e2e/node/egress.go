package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Egress is the API server's way to Pods: it asks this proxy, by HTTP's CONNECT,
// for what it would dial itself in a cluster with a network.
type Egress struct {
	// Flags are for kube-apiserver. It looks for a Service's endpoints itself, as
	// nothing here would make a clusterIP lead anywhere.
	Flags []string

	dir    string
	server *http.Server
	opened atomic.Int64
}

const egressConfiguration = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport: {uds: {udsName: %q}}
`

// Listen starts the proxy. Close ends it.
func Listen() (*Egress, error) {
	dir, err := os.MkdirTemp("", "egress-") // a socket's path must be short
	if err != nil {
		return nil, fmt.Errorf("making a folder for the way to Pods: %w", err)
	}
	e := &Egress{dir: dir}
	e.server = &http.Server{Handler: http.HandlerFunc(e.connect)}
	if err := e.listen(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the way to Pods: %w", err), e.Close())
	}
	return e, nil
}

func (e *Egress) listen() error {
	socket, file := filepath.Join(e.dir, "socket"), filepath.Join(e.dir, "configuration.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, egressConfiguration, socket), 0o600); err != nil {
		return err
	}
	e.Flags = []string{"--egress-selector-config-file=" + file, "--enable-aggregator-routing=true"}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() { _ = e.server.Serve(listener) }()
	return nil
}

// Close ends the proxy; connections through it go on.
func (e *Egress) Close() error { return errors.Join(e.server.Close(), os.RemoveAll(e.dir)) }

// Opened is how many connections there have been. The API server keeps them, and
// looks at a certificate when it opens one.
func (e *Egress) Opened() int64 { return e.opened.Load() }

// connect lets a connection through to a Pod.
func (e *Egress) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !strings.HasPrefix(r.Host, podNetwork) {
		http.Error(w, "this leads to Pods only", http.StatusForbidden)
		return
	}
	to, err := net.Dial("tcp", loopback+strings.TrimPrefix(r.Host, podNetwork))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	e.opened.Add(1)
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(from, to)
}
