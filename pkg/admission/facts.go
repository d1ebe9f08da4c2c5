package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Objects reads single objects from the API server.
type Objects interface {
	// Metadata returns the metadata of an object; nil if there is none.
	Metadata(ctx context.Context, kind kschema.GroupVersionKind, namespace, name string) (*metav1.PartialObjectMetadata, error)

	// PodAccount returns the service account that a Pod runs as; empty if there
	// is no such Pod.
	PodAccount(ctx context.Context, namespace, name string) (string, error)
}

// gather adds the facts that the decision needs and the request doesn't have.
func (h *Handler) gather(ctx context.Context, review *admissionv1.AdmissionRequest, request *policy.Request, snap *gitindex.Snapshot, p policy.Policy) {
	if request.Problem != nil {
		return
	}
	needs := policy.NeedsOf(*request, snap, p)
	if needs.Owner > policy.AtHand || needs.PodAccount {
		var end func()
		ctx, end = h.span(ctx, "read facts")
		defer end()
	}
	switch needs.Owner {
	case policy.Required:
		request.Owner, request.Problem = owner(ctx, review, request.Key, snap, h.read)
	case policy.Wanted:
		request.Owner, _ = owner(ctx, review, request.Key, snap, h.read) // it is refused all the same
	case policy.AtHand:
		request.Owner, _ = owner(ctx, review, request.Key, snap, readNothing)
	}
	if needs.PodAccount {
		request.PodAccount, request.Problem = h.podAccount(ctx, request.Key)
	}
}

func (h *Handler) podAccount(ctx context.Context, pod gitindex.Key) (string, error) {
	if h.Objects == nil {
		return "", fmt.Errorf("what %s runs as can't be read without a cluster", pod)
	}
	account, err := h.Objects.PodAccount(ctx, pod.Namespace, pod.Name)
	if err != nil {
		return "", fmt.Errorf("reading what %s runs as: %w", pod, err)
	}
	return account, nil
}

// owner is the declared object to which the request's belongs, before or after
// the request; the zero Key if there is none.
func owner(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key, snap *gitindex.Snapshot, read reader) (gitindex.Key, error) {
	objects, err := versions(ctx, review, key, read)
	if err != nil {
		return gitindex.Key{}, err
	}
	for i, object := range objects {
		if i > 0 && reflect.DeepEqual(metav1.GetControllerOf(object), metav1.GetControllerOf(objects[0])) {
			continue
		}
		found, err := follow(ctx, snap, key, object, read)
		if err != nil || found != (gitindex.Key{}) {
			return found, err
		}
	}
	return gitindex.Key{}, nil
}

// versions is the metadata of the object before and after the request. That of
// a subresource with a kind of its own has to be read.
func versions(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key, read reader) ([]*metav1.PartialObjectMetadata, error) {
	if review.Kind.Kind != key.Kind {
		object, err := read(ctx, kschema.GroupVersionKind{Group: key.Group, Version: review.Resource.Version, Kind: key.Kind}, key)
		if object == nil || err != nil {
			return nil, err
		}
		return []*metav1.PartialObjectMetadata{object}, nil
	}
	var objects []*metav1.PartialObjectMetadata
	for _, raw := range [][]byte{review.OldObject.Raw, review.Object.Raw} {
		if len(raw) == 0 {
			continue
		}
		object := &metav1.PartialObjectMetadata{}
		if err := json.Unmarshal(raw, object); err != nil {
			return nil, fmt.Errorf("reading the request's object: %w", err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// longestChain ends the search among objects that control each other in a
// circle. The longest that people have is about four.
const longestChain = 10

// follow goes up the chain of controllers to a declared object. A reference to
// an object that isn't there any more ends the chain.
func follow(ctx context.Context, snap *gitindex.Snapshot, key gitindex.Key, object *metav1.PartialObjectMetadata, read reader) (gitindex.Key, error) {
	namespace := key.Namespace
	for range longestChain {
		ref := metav1.GetControllerOf(object)
		if ref == nil {
			return gitindex.Key{}, nil
		}
		kind := kschema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
		above := gitindex.Key{Group: kind.Group, Kind: kind.Kind, Namespace: namespace, Name: ref.Name}
		if namespace != "" && snap.Lookup(above) != nil {
			return above, nil
		}
		owner, err := read(ctx, kind, above)
		switch {
		case err != nil:
			return gitindex.Key{}, fmt.Errorf("finding out whom %s belongs to: %w", key, err)
		case owner == nil || owner.UID != ref.UID:
			return gitindex.Key{}, nil
		}
		namespace, above.Namespace = owner.Namespace, owner.Namespace
		if snap.Lookup(above) != nil {
			return above, nil
		}
		object = owner
	}
	return gitindex.Key{}, fmt.Errorf("finding out whom %s belongs to: more than %d objects control each other", key, longestChain)
}

// reader reads the metadata of an object; nil if there is none.
type reader func(context.Context, kschema.GroupVersionKind, gitindex.Key) (*metav1.PartialObjectMetadata, error)

func readNothing(context.Context, kschema.GroupVersionKind, gitindex.Key) (*metav1.PartialObjectMetadata, error) {
	return nil, nil
}

func (h *Handler) read(ctx context.Context, kind kschema.GroupVersionKind, key gitindex.Key) (*metav1.PartialObjectMetadata, error) {
	if h.Objects == nil {
		return nil, errors.New("no cluster to read from")
	}
	object, err := h.Objects.Metadata(ctx, kind, key.Namespace, key.Name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return object, nil
}
