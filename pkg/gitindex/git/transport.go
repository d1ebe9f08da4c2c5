package git

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// NewTransport returns what asks a host with the certificates and through the
// proxy that a repository's credentials name, and explains what it doesn't
// trust. It adds no login.
func NewTransport(repository gitindex.Repository, c Credentials, host string) (*http.Transport, error) {
	return access{Credentials: c, from: repository.Secret}.transport(host)
}

// ExplainTLS says of an error in talking to a host by NewTransport's transport
// what to do about it, if it is one of trust; else it returns the error.
func ExplainTLS(err error, repository gitindex.Repository, c Credentials, host string) error {
	return access{Credentials: c, from: repository.Secret}.explain(err, host)
}

// authorities are the certificates to trust for a host, beside the system's.
func (a access) authorities(host string) []byte {
	if pem := a.HostCAs[strings.ToLower(host)]; len(pem) > 0 {
		return pem
	}
	return a.CA
}

func (a access) transport(host string) (*http.Transport, error) {
	transport := &http.Transport{Proxy: a.Proxy.choose(), ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{}}
	if trusted := a.authorities(host); len(trusted) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(trusted) {
			return nil, fmt.Errorf("%s holds no certificate in PEM: %s", a.ca(host), a.checkCA())
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if len(a.ClientCert) > 0 || len(a.ClientKey) > 0 {
		pair, err := tls.X509KeyPair(a.ClientCert, a.ClientKey)
		if err != nil { // which may quote the key
			return nil, fmt.Errorf("the client's certificate and key can't be read, or don't belong together: %s", a.checkSecret())
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return transport, nil
}

func (a access) explain(err error, host string) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case !errors.As(err, &unknown):
		return err
	case len(a.authorities(host)) > 0:
		return fmt.Errorf("the server's certificate is not signed by the CA in %s: %s", a.ca(host), a.checkCA())
	default:
		return fmt.Errorf("the server's certificate is signed by an unknown authority: %s", a.needCA(host))
	}
}
