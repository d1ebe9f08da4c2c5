package breakglass

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestWhoMayBreakGlassIsAskedOfTheObjectsResource(t *testing.T) {
	var asked authorizationv1.SubjectAccessReviewSpec
	c := cluster(t, interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
		review := object.(*authorizationv1.SubjectAccessReview)
		asked, review.Status.Allowed = review.Spec, true
		return nil
	}})
	review := &admissionv1.AdmissionRequest{
		Resource: metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, SubResource: "scale", Name: "other", Namespace: "other",
		UserInfo: authenticationv1.UserInfo{Username: "dana", UID: "d-1", Groups: []string{"oncall"}, Extra: map[string]authenticationv1.ExtraValue{"scopes": {"a", "b"}}},
	}
	may, err := NewPermissions(c, clock.RealClock{}).MayBreakGlass(t.Context(), review, guestbook)
	if !may || err != nil {
		t.Errorf("may %t: %v", may, err)
	}
	want := authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "break-glass", Group: "apps", Version: "v1", Resource: "deployments", Namespace: "staging", Name: "guestbook"},
		User:               "dana", UID: "d-1", Groups: []string{"oncall"}, Extra: map[string]authorizationv1.ExtraValue{"scopes": {"a", "b"}},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	may, err = NewPermissions(c, clock.RealClock{}).MayApprove(t.Context(), review, guestbook)
	want.ResourceAttributes.Verb = "approve-break-glass"
	if diff := cmp.Diff(want, asked); !may || err != nil || diff != "" {
		t.Errorf("may approve %t: %v, asked (-want +got):\n%s", may, err, diff)
	}
}

func TestOnlyThatSomebodyMayNotIsRememberedForTenSeconds(t *testing.T) {
	now := clocktesting.NewFakePassiveClock(began)
	var may bool
	var unanswered error
	p := NewPermissions(cluster(t, interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
		object.(*authorizationv1.SubjectAccessReview).Status.Allowed = may
		return unanswered
	}}), now)
	of := func(user, resource string) *admissionv1.AdmissionRequest {
		return &admissionv1.AdmissionRequest{
			Resource: metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource},
			UserInfo: authenticationv1.UserInfo{Username: user},
		}
	}
	dana := of("dana", "deployments")
	ask := func(answer bool, err error) {
		t.Helper()
		may, unanswered = answer, err
		if got, problem := p.MayBreakGlass(t.Context(), dana, guestbook); got != answer || (problem != nil) != (err != nil) {
			t.Fatalf("may %t: %v", got, problem)
		}
	}
	denied := func(when string, review *admissionv1.AdmissionRequest, want bool) {
		t.Helper()
		if got := p.RecentlyDenied(review, guestbook); got != want {
			t.Errorf("%s: denied %t", when, got)
		}
	}
	denied("before anybody asked", dana, false)
	ask(true, nil)
	denied("after a yes", dana, false)
	ask(false, errors.New("timed out"))
	denied("after no answer", dana, false)
	unanswered = nil
	if may, err := p.MayApprove(t.Context(), dana, guestbook); may || err != nil {
		t.Fatalf("may approve %t: %v", may, err)
	}
	denied("after a no to another verb", dana, false)
	ask(false, nil)
	denied("after a no", dana, true)
	denied("another user", of("erin", "deployments"), false)
	denied("another resource", of("dana", "daemonsets"), false)
	now.SetTime(began.Add(10 * time.Second))
	denied("ten seconds later", dana, true)
	now.SetTime(began.Add(10*time.Second + 1))
	denied("later", dana, false)
	ask(false, nil)
	ask(true, nil)
	denied("after a no and a yes", dana, false)
}

func TestNobodyMayWhoCannotBeAskedFor(t *testing.T) {
	c := cluster(t, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
		return errors.New("timed out")
	}})
	may, err := NewPermissions(c, clock.RealClock{}).MayBreakGlass(t.Context(), &admissionv1.AdmissionRequest{}, guestbook)
	if may || err == nil || err.Error() != "creating a SubjectAccessReview: timed out" {
		t.Errorf("may %t: %v", may, err)
	}
	if self, err := Self(t.Context(), c); self != "" || err == nil || err.Error() != "asking the API server who gitonly is: timed out" {
		t.Errorf("self %q: %v", self, err)
	}
}
