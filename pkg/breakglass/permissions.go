package breakglass

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Permissions asks the API server, each time anew: a right that is taken away
// counts at once. Only that somebody had none is remembered, for a moment.
type Permissions struct {
	client client.Client
	denied *cache.LRUExpireCache // by digest of what was asked
}

const (
	// rememberDenied bounds how long a message may say that somebody has no
	// right who has got it since.
	rememberDenied = 10 * time.Second
	maxDenied      = 4096
)

// NewPermissions asks through c.
func NewPermissions(c client.Client, clock clock.PassiveClock) *Permissions {
	return &Permissions{c, cache.NewLRUExpireCacheWithClock(maxDenied, clock)}
}

// MayBreakGlass reports whether the user of a request has the verb break-glass on
// its object, whatever the request's subresource.
func (p *Permissions) MayBreakGlass(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	question := about(v1alpha1.BreakGlassVerb, review, key)
	may, err := p.ask(ctx, question)
	switch {
	case err != nil:
	case may:
		p.denied.Remove(digest(question))
	default:
		p.denied.Add(digest(question), nil, rememberDenied)
	}
	return may, err
}

// RecentlyDenied reports whether MayBreakGlass's answer to the same was no within
// the last ten seconds.
func (p *Permissions) RecentlyDenied(review *admissionv1.AdmissionRequest, key gitindex.Key) bool {
	_, denied := p.denied.Get(digest(about(v1alpha1.BreakGlassVerb, review, key)))
	return denied
}

// MayApprove reports the same as MayBreakGlass of the verb approve-break-glass.
func (p *Permissions) MayApprove(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	return p.ask(ctx, about(v1alpha1.ApproveBreakGlassVerb, review, key))
}

// about asks whether the user of a request has a verb on its object.
func about(verb string, review *admissionv1.AdmissionRequest, key gitindex.Key) authorizationv1.SubjectAccessReviewSpec {
	user := review.UserInfo
	spec := authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: review.Resource.Group, Version: review.Resource.Version, Resource: review.Resource.Resource,
			Namespace: key.Namespace, Name: key.Name,
		},
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: map[string]authorizationv1.ExtraValue{},
	}
	for name, values := range user.Extra {
		spec.Extra[name] = authorizationv1.ExtraValue(values)
	}
	return spec
}

func digest(question authorizationv1.SubjectAccessReviewSpec) [sha256.Size]byte {
	text, err := json.Marshal(question)
	if err != nil {
		panic(fmt.Sprintf("encoding a SubjectAccessReview: %v", err)) // strings alone can always be encoded
	}
	return sha256.Sum256(text)
}

func (p *Permissions) ask(ctx context.Context, question authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: question}
	if err := p.client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("creating a SubjectAccessReview: %w", err)
	}
	return review.Status.Allowed, nil
}

// Self is the name of the user that c writes as.
func Self(ctx context.Context, c client.Client) (string, error) {
	ask := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, ask); err != nil {
		return "", fmt.Errorf("asking the API server who gitonly is: %w", err)
	}
	return ask.Status.UserInfo.Username, nil
}
