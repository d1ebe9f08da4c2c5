package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"gitonly.dev/gitonly/pkg/certificates"
	"gitonly.dev/gitonly/pkg/metrics"
)

// servingCertificate returns the certificate that is served now.
type servingCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// certificate is what is served: from --cert-dir, whoever renews it, or
// gitonly's own in --cert-secret.
func (p *parts) certificate(access *rest.Config) (servingCertificate, error) {
	o := p.options
	if o.certSecret == "" {
		watcher, err := certwatcher.New(filepath.Join(o.certDir, "tls.crt"), filepath.Join(o.certDir, "tls.key"))
		if err != nil {
			return nil, fmt.Errorf("reading the serving certificate: %w", err)
		}
		return watcher.GetCertificate, p.manager.Add(everywhere(watcher.Start))
	}
	if access == nil {
		return nil, fmt.Errorf("--cert-secret=%s: there is no cluster to keep a Secret in: use --cert-dir", o.certSecret)
	}
	direct, err := p.direct(access)
	if err != nil {
		return nil, err
	}
	keeper := certificates.NewKeeper(direct, types.NamespacedName{Namespace: o.namespace, Name: o.certSecret}, o.registration,
		certificates.ServiceName(o.namespace, o.service), certificates.Times{}, clock.RealClock{}, p.log.WithName("certificates"))
	return keeper.GetCertificate, p.manager.Add(keeper)
}

// certificateCheck looks at what is served as the API server does.
func (p *parts) certificateCheck(access *rest.Config) *certificates.Check {
	o := p.options
	c := &certificates.Check{
		Address: certificates.Self(o.bindAddress, strconv.Itoa(o.port)), Clock: clock.RealClock{}, OwnBundle: o.certSecret != "",
	}
	if access != nil && o.registration != "" {
		c.Registration = p.readRegistration
	}
	return c
}

func (p *parts) readRegistration(ctx context.Context) (*certificates.Registration, error) {
	return certificates.ReadRegistration(ctx, p.manager.GetAPIReader(), p.options.registration)
}

// watchRegistration has /metrics and the log say whether the API server has a
// registration to ask gitonly by.
func (p *parts) watchRegistration(access *rest.Config) error {
	if access == nil || p.options.registration == "" {
		return nil
	}
	presence := certificates.NewPresence(p.options.registration, p.readRegistration, clock.RealClock{}, p.log.WithName("registration"))
	return errors.Join(
		p.manager.Add(presence),
		metrics.FollowRegistration(crmetrics.Registry, p.options.registration, func() int { return int(presence.Found()) }),
	)
}

// direct is a client that doesn't read from the cache.
func (p *parts) direct(access *rest.Config) (client.Client, error) {
	m := p.manager
	return client.New(access, client.Options{HTTPClient: m.GetHTTPClient(), Scheme: m.GetScheme(), Mapper: m.GetRESTMapper()})
}
