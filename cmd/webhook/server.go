package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"gitonly.dev/gitonly/pkg/admission"
)

const (
	// drainTime is how long requests that were begun may go on when the process
	// ends; stopTime is for all else, too.
	drainTime = 10 * time.Second
	stopTime  = 15 * time.Second
)

// serveReviews adds the server that answers the API server. controller-runtime's
// own closes its port at once when it is told to stop, and takes 7 MB at most.
func (p *parts) serveReviews(handler *admission.Handler, certificate servingCertificate, drain *drain) error {
	o := p.options
	endpoint, err := admission.NewEndpoint(handler, o.concurrency, metrics.Registry)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(o.bindAddress, strconv.Itoa(o.port)))
	if err != nil {
		return fmt.Errorf("--port: %w", err)
	}
	hooks := webhook.NewServer(webhook.Options{}) // for its metrics: it is never started
	hooks.Register(servePath, p.policies.Guarded(endpoint))
	timeout := drainTime
	return p.manager.Add(&manager.Server{
		Name: "reviews",
		Listener: tls.NewListener(listener, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"http/1.1"}, // as the API server wants it, to spread requests over replicas
			GetCertificate: certificate,
		}),
		Server: &http.Server{
			Handler:           drain.closing(hooks.WebhookMux()),
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       35 * time.Second, // of all that no review takes longer than
			WriteTimeout:      65 * time.Second,
			// The API server closes connections that are idle for 90 seconds. It has
			// to be first: a request on one that is being closed would fail.
			IdleTimeout:    3 * time.Minute,
			MaxHeaderBytes: 64 << 10,
		},
		ShutdownTimeout: &timeout,
	})
}
