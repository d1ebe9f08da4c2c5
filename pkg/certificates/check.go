package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	dialTime = 2 * time.Second // that gitonly may take to answer itself
	readTime = time.Second     // that the API server may take to answer
	readGap  = 5 * time.Second // between two reads of the registration, while it is as it should be
)

// Check looks at what gitonly serves as the API server would. It is a check of
// readiness: where it fails, the API server couldn't call this replica either.
// So nobody is locked out who wasn't already.
type Check struct {
	// Address is where gitonly serves.
	Address string

	// Registration reads what the API server goes by; nil where it can't be read
	// at all. While reading fails what was read last counts.
	Registration func(context.Context) (*Registration, error)

	// OwnBundle is whether gitonly sets the caBundle itself. Else an empty one
	// may be meant: the API server has roots of its own.
	OwnBundle bool

	Clock clock.PassiveClock

	mu   sync.Mutex
	read time.Time
	last *Registration
}

// Run does the check.
func (c *Check) Run(request *http.Request) error {
	ctx := request.Context()
	served, err := c.served(ctx)
	if err != nil {
		return err
	}
	leaf, now := served[0], c.Clock.Now()
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("the serving certificate expired at %s: renew it", leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("the serving certificate is valid only from %s: check the clock", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	err = c.refused(c.registration(ctx, readGap), served, now)
	if err != nil { // by what was read before, perhaps: a renewal may have come since
		err = c.refused(c.registration(ctx, 0), served, now)
	}
	return err
}

// refused returns an error if the API server, going by a registration, refuses a
// certificate.
func (c *Check) refused(registration *Registration, served []*x509.Certificate, now time.Time) error {
	if registration == nil {
		return nil
	}
	for _, call := range registration.calls {
		if err := c.accepts(call, served, now); err != nil {
			return fmt.Errorf("the API server refuses the serving certificate by ValidatingWebhookConfiguration %s: %w", registration.name, err)
		}
	}
	return nil
}

// accepts returns an error if the API server, calling so, refuses a certificate.
func (c *Check) accepts(call call, served []*x509.Certificate, now time.Time) error {
	if !call.service {
		return nil // what is between, and serves what, only the API server sees
	}
	if err := served[0].VerifyHostname(call.host); err != nil {
		return err
	}
	if len(call.bundle) == 0 {
		if c.OwnBundle {
			return errors.New("its caBundle isn't set yet")
		}
		return nil
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now}
	if !options.Roots.AppendCertsFromPEM(call.bundle) {
		return errors.New("there is no certificate in its caBundle")
	}
	for _, certificate := range served[1:] {
		options.Intermediates.AddCert(certificate)
	}
	if _, err := served[0].Verify(options); err != nil {
		return fmt.Errorf("its caBundle must be of who signed it: %w", err)
	}
	return nil
}

// served is the chain that whoever connects is shown.
func (c *Check) served(ctx context.Context) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // what is shown is looked at next
	connection, err := dialer.DialContext(ctx, "tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("gitonly can't connect to itself: %w", err)
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates, nil
}

// registration is what was read last; it is read again when that is so old.
func (c *Check) registration(ctx context.Context, old time.Duration) *Registration {
	if c.Registration == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.Clock.Now(); c.read.IsZero() || now.Sub(c.read) >= old {
		ctx, cancel := context.WithTimeout(ctx, readTime)
		defer cancel()
		c.read = now
		if read, err := c.Registration(ctx); err == nil {
			c.last = read
		}
	}
	return c.last
}

// Self is the address to connect to for what listens on a host and port; an
// empty host is every one.
func Self(host, port string) string {
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
