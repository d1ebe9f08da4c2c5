package admission

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// ServingCertificate returns the certificate that is served now.
type ServingCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// CertificateCheck is a readiness check: the served certificate is within its
// time. The API server refuses any other.
func CertificateCheck(current ServingCertificate, clock clock.PassiveClock) func(*http.Request) error {
	return func(*http.Request) error {
		served, err := current(nil)
		if err != nil {
			return fmt.Errorf("reading the serving certificate: %w", err)
		}
		leaf := served.Leaf
		if leaf == nil {
			if leaf, err = x509.ParseCertificate(served.Certificate[0]); err != nil {
				return fmt.Errorf("reading the serving certificate: %w", err)
			}
		}
		now := clock.Now()
		switch {
		case now.After(leaf.NotAfter):
			return fmt.Errorf("the serving certificate expired at %s: renew it", leaf.NotAfter.UTC().Format(time.RFC3339))
		case now.Before(leaf.NotBefore):
			return fmt.Errorf("the serving certificate is valid only from %s: check the clock", leaf.NotBefore.UTC().Format(time.RFC3339))
		}
		return nil
	}
}
