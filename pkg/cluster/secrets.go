package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Secrets reads Secrets of one namespace by name.
type Secrets struct {
	reader    client.Reader
	namespace string
}

// NewSecrets returns the Secrets of a namespace. The reader should not be a
// cache: that would ask for the right to list them.
func NewSecrets(reader client.Reader, namespace string) *Secrets {
	return &Secrets{reader: reader, namespace: namespace}
}

// Data returns what a Secret holds.
func (s *Secrets) Data(ctx context.Context, name string) (map[string][]byte, error) {
	var secret corev1.Secret
	if err := s.reader.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, &secret); err != nil {
		return nil, fmt.Errorf("reading Secret %s/%s: %w", s.namespace, name, err)
	}
	return secret.Data, nil
}
