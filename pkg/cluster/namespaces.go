// Package cluster is gitonly's side of the API server: it reads GitSources,
// GuardPolicies, Namespaces and Secrets from it, and writes status to it.
package cluster

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/policy"
)

// Namespaces knows the cluster's namespaces from a watch of their metadata.
type Namespaces struct{ cache client.Reader }

// NewNamespaces starts to watch namespaces when c starts.
func NewNamespaces(ctx context.Context, c cache.Cache) (*Namespaces, error) {
	if _, err := c.GetInformer(ctx, namespace()); err != nil {
		return nil, err
	}
	return &Namespaces{cache: c}, nil
}

// Namespace returns what is known of a namespace; nil if nothing is.
func (n *Namespaces) Namespace(name string) *policy.Namespace {
	found := namespace()
	if err := n.cache.Get(context.Background(), client.ObjectKey{Name: name}, found); err != nil {
		return nil // the cache has no other error than not found
	}
	return &policy.Namespace{UID: found.UID, Labels: found.Labels, Annotations: found.Annotations, Terminating: found.DeletionTimestamp != nil}
}

func namespace() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(kschema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	return object
}
