package cluster

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Secrets reads Secrets by name.
type Secrets struct {
	reader    client.Reader
	namespace string // for references that name none
}

// NewSecrets returns Secrets, of namespace where nothing else is said. The reader should not be a
// cache: that would ask for the right to list them.
func NewSecrets(reader client.Reader, namespace string) *Secrets {
	return &Secrets{reader: reader, namespace: namespace}
}

// Data returns what a Secret holds.
func (s *Secrets) Data(ctx context.Context, ref gitindex.SecretRef) (map[string][]byte, error) {
	key := client.ObjectKey{Namespace: cmp.Or(ref.Namespace, s.namespace), Name: ref.Name}
	var secret corev1.Secret
	if err := s.reader.Get(ctx, key, &secret); err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", key, err)
	}
	return secret.Data, nil
}
