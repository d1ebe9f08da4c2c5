package agents_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// liveCluster is a cluster for discovery, read as it is now.
type liveCluster struct {
	ctx    context.Context
	t      *testing.T
	client client.Client
}

// List implements discover.Cluster.
func (c *liveCluster) List(kind schema.GroupKind) []*unstructured.Unstructured {
	mapping, err := c.client.RESTMapper().RESTMapping(kind)
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		c.t.Fatal(err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(mapping.GroupVersionKind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := c.client.List(c.ctx, list); err != nil {
		c.t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for i := range list.Items {
		objects = append(objects, &list.Items[i])
	}
	return objects
}

// Data implements discover.Cluster.
func (c *liveCluster) Data(ctx context.Context, kind, namespace, name string) (map[string][]byte, error) {
	key := client.ObjectKey{Namespace: namespace, Name: name}
	if kind == "Secret" {
		var secret corev1.Secret
		err := c.client.Get(ctx, key, &secret)
		return secret.Data, err
	}
	var config corev1.ConfigMap
	err := c.client.Get(ctx, key, &config)
	data := map[string][]byte{}
	for name, value := range config.Data {
		data[name] = []byte(value)
	}
	return data, err
}

// Repositories implements discover.Cluster.
func (c *liveCluster) Repositories(ctx context.Context, namespace string) ([]discover.ArgoCDRepository, error) {
	var secrets corev1.SecretList
	if err := c.client.List(ctx, &secrets, client.InNamespace(namespace), client.HasLabels{discover.ArgoCDSecretType}); err != nil {
		return nil, err
	}
	var repositories []discover.ArgoCDRepository
	for _, secret := range secrets.Items {
		if r, ok := discover.NewArgoCDRepository(secret.Name, secret.Labels, secret.Data); ok {
			repositories = append(repositories, r)
		}
	}
	return repositories, nil
}
