package breakglass

import (
	"context"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Permissions asks the API server, each time anew: a right that is taken away
// counts at once.
type Permissions struct{ client client.Client }

// NewPermissions asks through c.
func NewPermissions(c client.Client) *Permissions { return &Permissions{c} }

// MayBreakGlass reports whether the user of a request has the verb break-glass on
// its object, whatever the request's subresource.
func (p *Permissions) MayBreakGlass(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	return p.may(ctx, v1alpha1.BreakGlassVerb, review, key)
}

// MayApprove reports the same of the verb approve-break-glass.
func (p *Permissions) MayApprove(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	return p.may(ctx, v1alpha1.ApproveBreakGlassVerb, review, key)
}

func (p *Permissions) may(ctx context.Context, verb string, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	user := review.UserInfo
	ask := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: review.Resource.Group, Version: review.Resource.Version, Resource: review.Resource.Resource,
			Namespace: key.Namespace, Name: key.Name,
		},
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: map[string]authorizationv1.ExtraValue{},
	}}
	for name, values := range user.Extra {
		ask.Spec.Extra[name] = authorizationv1.ExtraValue(values)
	}
	if err := p.client.Create(ctx, ask); err != nil {
		return false, fmt.Errorf("creating a SubjectAccessReview: %w", err)
	}
	return ask.Status.Allowed, nil
}

// Self is the name of the user that c writes as.
func Self(ctx context.Context, c client.Client) (string, error) {
	ask := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, ask); err != nil {
		return "", fmt.Errorf("asking the API server who gitonly is: %w", err)
	}
	return ask.Status.UserInfo.Username, nil
}
