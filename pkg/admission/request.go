package admission

import (
	"encoding/json"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// request makes a policy.Request of a review, and gathers the facts that are
// not in it.
func (h *Handler) request(review *admissionv1.AdmissionRequest) policy.Request {
	request := policy.Request{
		At:          h.Clock.Now(),
		Version:     review.Resource.Version,
		Operation:   policy.Operation(review.Operation),
		Subresource: review.SubResource,
		User:        policy.User{Name: review.UserInfo.Username, Groups: review.UserInfo.Groups},
		Object:      review.Object.Raw,
		OldObject:   review.OldObject.Raw,
		Type:        kschema.GroupVersionKind(review.Kind),
	}
	request.DryRun = review.DryRun != nil && *review.DryRun
	request.FieldManager = fieldManager(review)
	request.Key, request.Problem = h.key(review)
	if h.Namespaces != nil && request.Key.Namespace != "" {
		request.Namespace = h.Namespaces.Namespace(request.Key.Namespace)
	}
	return request
}

// key names the object of a request.
func (h *Handler) key(review *admissionv1.AdmissionRequest) (gitindex.Key, error) {
	if review.Kind.Kind == "" || review.Operation == "" {
		return gitindex.Key{}, errors.New("the AdmissionReview names no kind or no operation")
	}
	key := gitindex.Key{
		Group:     review.Kind.Group,
		Kind:      review.Kind.Kind,
		Namespace: review.Namespace,
		Name:      review.Name,
	}
	var err error
	if review.SubResource != "" {
		key.Group = review.Resource.Group
		if key.Kind, err = h.Kinds.Kind(kschema.GroupVersionResource(review.Resource)); err != nil {
			return key, err
		}
	}
	if key.Group == "" && key.Kind == "Namespace" {
		key.Namespace = "" // a Namespace's request names itself as its namespace
	}
	if key.Name != "" {
		return key, nil
	}
	key.Name, err = nameOf(review)
	return key, err
}

// nameOf finds the name in the object: deletecollection and generateName leave
// the request's own empty.
func nameOf(review *admissionv1.AdmissionRequest) (string, error) {
	for _, raw := range [][]byte{review.Object.Raw, review.OldObject.Raw} {
		if len(raw) == 0 {
			continue
		}
		var object struct {
			Metadata struct {
				Name         string `json:"name"`
				GenerateName string `json:"generateName"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return "", fmt.Errorf("reading the request's object: %w", err)
		}
		if object.Metadata.Name != "" {
			return object.Metadata.Name, nil
		}
		if object.Metadata.GenerateName != "" {
			return object.Metadata.GenerateName + "*", nil // the API server makes up the rest
		}
	}
	return "", nil
}

// uidOf is the UID of an object in JSON; empty if it has none.
func uidOf(object []byte) types.UID {
	var m struct {
		Metadata struct {
			UID types.UID `json:"uid"`
		} `json:"metadata"`
	}
	if len(object) == 0 || json.Unmarshal(object, &m) != nil {
		return ""
	}
	return m.Metadata.UID
}

// fieldManager is the name that the client gave itself; empty if it gave none.
func fieldManager(review *admissionv1.AdmissionRequest) string {
	var options struct {
		FieldManager string `json:"fieldManager"`
	}
	if json.Unmarshal(review.Options.Raw, &options) != nil {
		return "" // then only what nobody owns counts as a mutator's
	}
	return options.FieldManager
}
