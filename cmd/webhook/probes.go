package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"gitonly.dev/gitonly/pkg/certificates"
)

// check is a condition of readiness; its error says what is wrong.
type check struct {
	name string
	run  func(*http.Request) error
}

// readiness answers /readyz. Unlike controller-runtime's own it says why not,
// and the log says so too: once, not at each probe.
type readiness struct {
	checks []check
	log    logr.Logger

	mu   sync.Mutex
	said string
}

func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var text strings.Builder
	var wrong []error
	for _, c := range r.checks {
		if err := c.run(request); err != nil {
			fmt.Fprintf(&text, "[-]%s: %v\n", c.name, err)
			wrong = append(wrong, err)
			continue
		}
		fmt.Fprintf(&text, "[+]%s\n", c.name)
	}
	r.note(errors.Join(wrong...))
	if len(wrong) > 0 {
		http.Error(w, text.String()+"not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%sready\n", text.String())
}

// note logs what differs from the last time.
func (r *readiness) note(wrong error) {
	state := "ready"
	if wrong != nil {
		state = wrong.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if state == r.said {
		return
	}
	r.said = state
	if wrong != nil {
		r.log.Info("not ready", "why", strings.Split(state, "\n"))
		return
	}
	r.log.Info("ready")
}

// readiness is who can decide, and whom the API server will believe.
func (p *parts) readiness(certificate *certificates.Check, drain *drain) *readiness {
	return &readiness{log: p.log, checks: []check{
		{"certificate", certificate.Run},
		{"policies", func(*http.Request) error { return p.policies.Loaded() }},
		{"sources", func(*http.Request) error { return p.discovered() }},
		{"serving", drain.check},
		{"snapshot", func(*http.Request) error { return p.loaded() }},
	}}
}

// loaded returns an error until there is a snapshot to decide by: what is wrong
// with each source.
func (p *parts) loaded() error {
	if p.index.Current() != nil {
		return nil
	}
	why := "no source in Git has been loaded yet"
	for _, state := range p.refresher.Latest().Sources() {
		if state.Err != nil {
			why += fmt.Sprintf("; %s: %v", state.Source.Name, state.Err)
		}
	}
	return errors.New(why)
}

// serveProbes adds the server of /healthz and /readyz. The address is taken at
// once: a port that is in use is an error.
func serveProbes(m ctrl.Manager, address string, ready *readiness) error {
	if address == "0" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("/readyz", ready)
	return addServer(m, "probes", "health-probe-bind-address", address, mux)
}

// addServer adds a server, whose address a flag gives.
func addServer(m ctrl.Manager, name, flag, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	timeout := 5 * time.Second
	return m.Add(&manager.Server{
		Name:     name,
		Listener: listener,
		Server: &http.Server{
			Handler: handler, ReadHeaderTimeout: timeout, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		},
		ShutdownTimeout: &timeout,
	})
}
