package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Secrets reads Secrets and ConfigMaps by name.
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
	return secretData(ctx, s.reader, client.ObjectKey{Namespace: cmp.Or(ref.Namespace, s.namespace), Name: ref.Name})
}

// ConfigMap returns what a ConfigMap holds; nothing if it isn't there.
func (s *Secrets) ConfigMap(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	data, err := configMapData(ctx, s.reader, client.ObjectKey{Namespace: cmp.Or(namespace, s.namespace), Name: name})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return data, err
}

func secretData(ctx context.Context, reader client.Reader, key client.ObjectKey) (map[string][]byte, error) {
	var secret corev1.Secret
	if err := reader.Get(ctx, key, &secret); err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", key, err)
	}
	return secret.Data, nil
}

func configMapData(ctx context.Context, reader client.Reader, key client.ObjectKey) (map[string][]byte, error) {
	var found corev1.ConfigMap
	if err := reader.Get(ctx, key, &found); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", key, err)
	}
	data := make(map[string][]byte, len(found.Data)+len(found.BinaryData))
	for key, text := range found.Data {
		data[key] = []byte(text)
	}
	maps.Copy(data, found.BinaryData)
	return data, nil
}
