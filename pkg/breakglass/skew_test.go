package breakglass

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// skewed is a cluster with two replicas, of which the second's clock is off. Its
// Deployment staging/guestbook has one replica in Git, and everybody may break the
// glass.
type skewed struct {
	*testing.T
	cluster  client.Client
	now      time.Time // by the API server and the first replica
	off      time.Duration
	replicas [2]*admission.Handler
	clocks   [2]*clocktesting.FakePassiveClock
	live     string // the Deployment
	reviews  int
}

type everybody struct{}

func (everybody) RecentlyDenied(*admissionv1.AdmissionRequest, gitindex.Key) bool { return false }

func (everybody) MayApprove(context.Context, *admissionv1.AdmissionRequest, gitindex.Key) (bool, error) {
	return true, nil
}

func (everybody) MayBreakGlass(context.Context, *admissionv1.AdmissionRequest, gitindex.Key) (bool, error) {
	return true, nil
}

func newSkewed(t *testing.T, off time.Duration) *skewed {
	t.Helper()
	s := &skewed{T: t, now: began, off: off, live: guestbookWith(1, "")}
	s.cluster = cluster(t, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, made client.Object, options ...client.CreateOption) error {
		made.SetCreationTimestamp(metav1.NewTime(s.now))
		return c.Create(ctx, made, options...)
	}})
	guard := v1alpha1.GuardPolicy{Spec: v1alpha1.GuardPolicySpec{
		Mode:   v1alpha1.ModeEnforce,
		Agents: v1alpha1.Agents{Subjects: []v1alpha1.Subject{{Kind: v1alpha1.SubjectUser, Name: "agent"}}},
	}}
	guard.SetDefaults()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.New([]v1alpha1.GuardPolicy{guard}, types)
	if err != nil {
		t.Fatal(err)
	}
	var index gitindex.Index
	index.Publish(git("a", "1"))
	var policies admission.PolicyStore
	policies.Set(p)
	teller, err := NewTeller(&events{}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.replicas {
		s.clocks[i] = clocktesting.NewFakePassiveClock(s.now)
		s.replicas[i] = admission.NewHandler(admission.Parts{
			Snapshots: &index, Policies: &policies, Kinds: admission.NewKinds(scheme.Scheme, nil),
			Emergencies: NewRecords(s.cluster, teller, index.Current), Permissions: everybody{}, Clock: s.clocks[i], Log: logr.Discard(),
		})
	}
	s.pass(0)
	return s
}

// pass lets time pass.
func (s *skewed) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.clocks[0].SetTime(s.now)
	s.clocks[1].SetTime(s.now.Add(s.off))
}

// guestbookWith is the object, with what it says about breaking the glass.
func guestbookWith(replicas int, reason string, until ...time.Time) string {
	annotations := ""
	if reason != "" {
		annotations = `"gitonly.dev/break-glass":"` + reason + `"`
	}
	if len(until) > 0 {
		annotations += `,"gitonly.dev/break-glass-until":"` + until[0].Format(time.RFC3339) + `"`
	}
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"guestbook","namespace":"staging","uid":"u-1","annotations":{%s}},"spec":{"replicas":%d}}`, annotations, replicas)
}

// writes has a user write the object, and a replica decide. It is stored if that
// lets it pass, and the reason has to be the one that is wanted.
func (s *skewed) writes(user string, replica int, after string, want policy.Reason) {
	s.Helper()
	s.reviews++
	response := s.replicas[replica].Handle(s.Context(), crwebhook.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UID: types.UID(fmt.Sprintf("r-%d", s.reviews)), Operation: admissionv1.Update, Namespace: "staging", Name: "guestbook",
		Kind:      metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		Resource:  metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		UserInfo:  authenticationv1.UserInfo{Username: user},
		OldObject: runtime.RawExtension{Raw: []byte(s.live)}, Object: runtime.RawExtension{Raw: []byte(after)},
	}})
	if got := policy.Reason(response.AuditAnnotations["reason"]); got != want {
		s.Fatalf("at %s, replica %d: %s, want %s: %s", s.now.Format(time.TimeOnly), replica, got, want, response.Result.Message)
	}
	if response.Allowed {
		s.live = after
	}
}

// inSkewed runs a test with a second clock that is ahead, and with one that is behind.
func inSkewed(t *testing.T, test func(s *skewed)) {
	for name, off := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) { test(newSkewed(t, off)) })
	}
}

func TestAnEmergencyCountsAtOnceWhateverTheClocksSay(t *testing.T) {
	inSkewed(t, func(s *skewed) {
		s.writes("dana", 1, guestbookWith(1, "INC-1 gateway down"), policy.BreakGlassOpened)
		s.writes("dana", 0, guestbookWith(5, "INC-1 gateway down"), policy.BreakGlassUsed)
		s.writes("agent", 0, guestbookWith(1, "INC-1 gateway down"), policy.Held)
		s.writes("dana", 0, guestbookWith(5, ""), policy.BreakGlassEnded)
		s.pass(time.Minute)
		s.writes("dana", 0, guestbookWith(5, "INC-2 database down"), policy.BreakGlassOpened)
		s.writes("dana", 0, guestbookWith(6, "INC-2 database down"), policy.BreakGlassUsed)
		s.writes("dana", 1, guestbookWith(7, "INC-2 database down"), policy.BreakGlassUsed)
		s.writes("agent", 1, guestbookWith(1, "INC-2 database down"), policy.Held)
	})
}

func TestEachReplicaSeesTheEndByItsOwnClock(t *testing.T) {
	inSkewed(t, func(s *skewed) {
		s.writes("dana", 0, guestbookWith(2, "INC-1 gateway down"), policy.BreakGlassOpened)
		first := map[bool]int{true: 1, false: 0}[s.off > 0] // at which it is over
		s.pass(time.Hour - s.off.Abs())
		if first == 0 {
			s.pass(s.off.Abs())
		}
		s.writes("dana", first, guestbookWith(3, "INC-1 gateway down"), policy.DeclaredFieldChanged)
		s.pass(s.off.Abs() - time.Second)
		s.writes("dana", 1-first, guestbookWith(4, "INC-1 gateway down"), policy.BreakGlassUsed)
		s.pass(time.Second)
		s.writes("dana", 1-first, guestbookWith(5, "INC-1 gateway down"), policy.DeclaredFieldChanged)
	})
}

func TestNoEmergencyIsMadeLongerByAnotherClock(t *testing.T) {
	inSkewed(t, func(s *skewed) {
		s.writes("dana", 0, guestbookWith(2, "INC-1 gateway down"), policy.BreakGlassOpened)
		for range 3 {
			s.pass(30 * time.Minute)
			for r := range s.replicas {
				s.writes("dana", r, guestbookWith(2, "INC-1 gateway down", began.Add(4*time.Hour+time.Second)), policy.BreakGlassRefused)
			}
			s.writes("dana", 1, guestbookWith(2, "INC-1 gateway down", began.Add(4*time.Hour)), policy.BreakGlassOpened)
			s.writes("dana", 0, guestbookWith(2, "INC-1 gateway down", began.Add(3*time.Hour)), policy.BreakGlassOpened)
		}
		var list v1alpha1.BreakGlassList
		if err := s.cluster.List(s.Context(), &list); err != nil || len(list.Items) != 1 {
			s.Errorf("%d records: %v", len(list.Items), err)
		}
	})
}

func TestTheLeadersClockEndsNoEmergencyThatIsNotStoredYet(t *testing.T) {
	inSkewed(t, func(s *skewed) {
		before := s.live
		s.writes("dana", 0, guestbookWith(2, "INC-1 gateway down"), policy.BreakGlassOpened)
		var list v1alpha1.BreakGlassList
		if err := s.cluster.List(s.Context(), &list); err != nil || len(list.Items) != 1 {
			s.Fatalf("%d records: %v", len(list.Items), err)
		}
		k := newKeeper(s.T, s.cluster, &reader{live: before}, git("a", "1"), s.now)
		k.clock = s.clocks[1]
		name := client.ObjectKeyFromObject(&list.Items[0])
		for _, want := range []string{"Active", "Active", "Ended"} {
			if _, err := k.Reconcile(s.Context(), reconcile.Request{NamespacedName: name}); err != nil {
				s.Fatal(err)
			}
			var record v1alpha1.BreakGlass
			if err := s.cluster.Get(s.Context(), name, &record); err != nil || string(record.Status.State) != want {
				s.Fatalf("at %s it is %s: %s, %v; want %s", s.now.Format(time.TimeOnly), record.Status.State, record.Status.Message, err, want)
			}
			s.pass(settleTime/2 + time.Second)
		}
	})
}
