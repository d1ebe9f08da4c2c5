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
	but    func() string // what there is to know of one that is ready; empty if all is well
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
	if len(wrong) > 0 {
		why := errors.Join(wrong...).Error()
		r.note("not ready", "why", why)
		http.Error(w, text.String()+"not ready", http.StatusServiceUnavailable)
		return
	}
	but := r.but()
	r.note("ready", "but", but)
	if but != "" {
		but = ", but " + but
	}
	fmt.Fprintf(w, "%sready%s\n", text.String(), but)
}

// note logs what differs from the last time.
func (r *readiness) note(state, key, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := state + detail
	if said == r.said {
		return
	}
	r.said = said
	if detail == "" {
		r.log.Info(state)
		return
	}
	r.log.Info(state, key, strings.Split(detail, "\n"))
}

// readiness is who can decide, and whom the API server will believe. Where no
// source could be loaded, each policy says what becomes of requests: nobody who
// answers is worse, as the agent couldn't write either.
func (p *parts) readiness(certificate *certificates.Check, drain *drain) *readiness {
	return &readiness{log: p.log, but: p.unloaded, checks: []check{
		{"certificate", certificate.Run},
		{"policies", func(*http.Request) error { return p.policies.Loaded() }},
		{"sources", func(*http.Request) error { return p.discovered() }},
		{"serving", drain.check},
		{"snapshot", func(*http.Request) error { return p.tried() }},
	}}
}

// tried returns an error until each source was looked at.
func (p *parts) tried() error {
	if p.refresher.Ready() {
		return nil
	}
	return errors.New("the first look at the sources in Git isn't over")
}

// unloaded says why there is nothing to decide by; empty if there is.
func (p *parts) unloaded() string {
	if p.index.Current() != nil {
		return ""
	}
	why := "no source in Git has been loaded yet"
	for _, state := range p.refresher.Latest().Sources() {
		if state.Err != nil {
			why += fmt.Sprintf("; %s: %v", state.Source.Name, state.Err)
		}
	}
	return why
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
