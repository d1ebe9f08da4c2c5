package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Objects reads single objects, from the API server itself: they are too many
// to watch, and seldom asked for.
type Objects struct{ reader client.Reader }

// NewObjects reads through reader, which must not be a cache.
func NewObjects(reader client.Reader) *Objects { return &Objects{reader: reader} }

// Metadata returns the metadata of an object; nil if there is none, or no such
// kind. The namespace is not looked at for a cluster-scoped kind.
func (o *Objects) Metadata(ctx context.Context, kind kschema.GroupVersionKind, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(kind)
	err := o.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return object, nil
}

// PodAccount returns the service account that a Pod runs as; empty if there is
// no such Pod.
func (o *Objects) PodAccount(ctx context.Context, namespace, name string) (string, error) {
	var pod corev1.Pod
	if err := o.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &pod); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	return pod.Spec.ServiceAccountName, nil
}
