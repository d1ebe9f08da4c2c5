// Package certificates is about what gitonly serves to the API server: it makes
// and renews certificates, has the registration trust them, and looks at them as
// the API server does.
package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"k8s.io/client-go/util/keyutil"
)

// generation is a serving certificate, its key, and the authority that signed it
// and nothing else: the authority's key is forgotten at once.
type generation struct {
	certificate, key []byte // PEM
	authority        *x509.Certificate
}

// generate makes a generation for these DNS names and IP addresses.
func generate(names []string, from, until time.Time) (*generation, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signer := template("gitonly "+from.UTC().Format(time.RFC3339), from, until)
	signer.IsCA, signer.BasicConstraintsValid, signer.KeyUsage = true, true, x509.KeyUsageCertSign
	encoded, err := x509.CreateCertificate(rand.Reader, signer, signer, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	authority, err := x509.ParseCertificate(encoded)
	if err != nil {
		return nil, err
	}
	served := template(names[0], from, until)
	served.KeyUsage, served.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			served.IPAddresses = append(served.IPAddresses, ip)
		} else {
			served.DNSNames = append(served.DNSNames, name)
		}
	}
	encoded, err = x509.CreateCertificate(rand.Reader, served, authority, key.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	keyText, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return &generation{certificate: encode(encoded), key: keyText, authority: authority}, nil
}

func template(name string, from, until time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // it never fails
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: until,
	}
}

// pair reads a certificate and its key.
func pair(certificate, key []byte) (*tls.Certificate, error) {
	served, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	if served.Leaf == nil {
		return nil, errors.New("there is no certificate")
	}
	return &served, nil
}

// encode writes certificates in PEM.
func encode(certificates ...[]byte) []byte {
	var text bytes.Buffer
	for _, certificate := range certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	}
	return text.Bytes()
}

// decode reads certificates in PEM.
func decode(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all, nil
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		all = append(all, certificate)
	}
}

// signs reports whether an authority signed a certificate.
func signs(authority *x509.Certificate, served *tls.Certificate) bool {
	return served != nil && served.Leaf.CheckSignatureFrom(authority) == nil
}
