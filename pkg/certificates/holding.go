package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// What the Secret holds. The first three are where others look for them, too.
const (
	certificateKey     = "tls.crt"
	privateKey         = "tls.key"
	bundleKey          = "ca.crt"
	nextCertificateKey = "next.crt"
	nextPrivateKey     = "next.key"

	managedBy, manager = "app.kubernetes.io/managed-by", "gitonly"
)

// holding is what the Secret holds. It isn't changed once it is made.
type holding struct {
	current *tls.Certificate
	next    *tls.Certificate    // is served once it is trusted everywhere; nil if none is prepared
	trusted []*x509.Certificate // who signed what is served, may still be, and will be

	data map[string][]byte
}

// read reads a Secret; nil if there is nothing in it.
func read(secret *corev1.Secret) (*holding, error) {
	data := secret.Data
	if len(data[certificateKey]) == 0 {
		return nil, nil
	}
	if secret.Labels[managedBy] != manager {
		return nil, fmt.Errorf("it isn't gitonly's, as its label %s would say: give --cert-secret another name, or empty it", managedBy)
	}
	return parse(data)
}

func parse(data map[string][]byte) (*holding, error) {
	h := &holding{data: data}
	var err error
	if h.current, err = pair(data[certificateKey], data[privateKey]); err != nil {
		return nil, fmt.Errorf("%s and %s: %w: empty it to have new ones made", certificateKey, privateKey, err)
	}
	if len(data[nextCertificateKey]) > 0 {
		if h.next, err = pair(data[nextCertificateKey], data[nextPrivateKey]); err != nil {
			return nil, fmt.Errorf("%s and %s: %w: empty it to have new ones made", nextCertificateKey, nextPrivateKey, err)
		}
	}
	h.trusted, err = decode(data[bundleKey])
	return h, err
}

func (h *holding) bundle() []byte { return h.data[bundleKey] }

// with adds a generation, which is the current one where h is nil.
func (h *holding) with(made *generation) (*holding, error) {
	authority := encode(made.authority.Raw)
	if h == nil {
		return parse(map[string][]byte{certificateKey: made.certificate, privateKey: made.key, bundleKey: authority})
	}
	return parse(map[string][]byte{
		certificateKey: h.data[certificateKey], privateKey: h.data[privateKey],
		nextCertificateKey: made.certificate, nextPrivateKey: made.key,
		bundleKey: append(h.bundle()[:len(h.bundle()):len(h.bundle())], authority...),
	})
}

// promoted makes the next generation the current one. The one before is still
// trusted, as other replicas serve it for a moment.
func (h *holding) promoted() (*holding, error) {
	return parse(map[string][]byte{certificateKey: h.data[nextCertificateKey], privateKey: h.data[nextPrivateKey], bundleKey: h.bundle()})
}

// alone trusts the current generation only.
func (h *holding) alone() *holding {
	only := *h
	only.trusted = nil
	for _, authority := range h.trusted {
		if signs(authority, h.current) {
			only.trusted = append(only.trusted, authority)
		}
	}
	var raw [][]byte
	for _, authority := range only.trusted {
		raw = append(raw, authority.Raw)
	}
	only.data = map[string][]byte{certificateKey: h.data[certificateKey], privateKey: h.data[privateKey], bundleKey: encode(raw...)}
	return &only
}

// write writes what is to be held, unless somebody else has since.
func (k *Keeper) write(ctx context.Context, secret *corev1.Secret, missing bool, h *holding) error {
	secret.Namespace, secret.Name, secret.Data = k.secret.Namespace, k.secret.Name, h.data
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	secret.Labels[managedBy] = manager
	if !missing {
		if err := k.client.Update(ctx, secret); err != nil {
			return fmt.Errorf("writing Secret %s: %w", k.secret, err)
		}
		return nil
	}
	secret.Type = corev1.SecretTypeTLS
	if err := k.client.Create(ctx, secret); err != nil {
		return fmt.Errorf("creating Secret %s: %w", k.secret, err)
	}
	return nil
}
