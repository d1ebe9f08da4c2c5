package breakglass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

var (
	began     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	guestbook = gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"}
)

// cluster is an API server with gitonly's kinds.
func cluster(t *testing.T, broken interceptor.Funcs, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.BreakGlass{}).WithObjects(objects...).WithInterceptorFuncs(broken).Build()
}

// events are what was told, one a line.
type events struct {
	mu   sync.Mutex
	said []string
}

func (e *events) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, kind+" "+reason+": "+fmt.Sprintf(note, args...))
}

func replica(t *testing.T, c client.Client, told *events) *Records {
	t.Helper()
	teller, err := NewTeller(told, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return NewRecords(c, teller, func() *gitindex.Snapshot { return nil })
}

// opening is the entry of a request that opens an emergency of the guestbook.
func opening(review string) admission.Entry {
	return admission.Entry{
		Review: types.UID(review), At: began, By: v1alpha1.User{Name: "dana"}, Operation: policy.Update, Key: guestbook, Version: "v1", UID: "u-1",
		Verdict: policy.Verdict{
			Outcome: policy.Allow, Reason: policy.BreakGlassOpened,
			Emergency: &policy.EmergencyUse{Terms: &policy.Terms{Reason: "INC-1234", Until: began.Add(time.Hour), Hold: true}},
		},
	}
}

// use is the entry of a request that an emergency permits.
func use(review string, e *policy.Emergency) admission.Entry {
	entry := opening(review)
	entry.Verdict = policy.Verdict{
		Outcome: policy.Allow, Reason: policy.BreakGlassUsed, Emergency: &policy.EmergencyUse{Emergency: e, Without: policy.DeclaredFieldChanged},
		Differences: []fields.Difference{{Path: "spec.replicas", Declared: true, Git: fields.Value{Present: true, Text: "1"}, New: fields.Value{Present: true, Text: "5"}}},
	}
	return entry
}

func find(t *testing.T, r *Records, uid types.UID) *policy.Emergency {
	t.Helper()
	found, err := r.Find(t.Context(), uid)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEachUseIsRecordedOnceByTwoReplicas(t *testing.T) {
	const each = 15
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	replicas := []*Records{replica(t, c, told), replica(t, c, told)}
	if err := replicas[0].Record(t.Context(), opening("r-0")); err != nil {
		t.Fatal(err)
	}
	open := find(t, replicas[1], "u-1")
	var done sync.WaitGroup
	for i, r := range replicas {
		done.Go(func() {
			for n := range each {
				entry := use(fmt.Sprintf("r-%d-%d", i, n), open)
				for range 2 { // the second time changes nothing
					if err := r.write(t.Context(), entry); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	done.Wait()
	var list v1alpha1.BreakGlassList
	if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%d records: %v", len(list.Items), err)
	}
	seen := map[types.UID]bool{}
	for _, use := range list.Items[0].Status.Uses {
		seen[use.UID] = true
	}
	if status := list.Items[0].Status; len(seen) != 2*each+1 || len(status.Uses) != 2*each+1 || status.UseCount != 2*each+1 {
		t.Errorf("%d uses of %d requests are recorded, and counted as %d", len(status.Uses), len(seen), status.UseCount)
	}
	if len(told.said) != 2*each+1 {
		t.Errorf("%d events were told", len(told.said))
	}
}

func TestARecordSaysWhoWhyAndWhat(t *testing.T) {
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	r := replica(t, c, told)
	if err := r.Record(t.Context(), opening("r-0")); err != nil {
		t.Fatal(err)
	}
	if err := r.Record(t.Context(), use("r-1", find(t, r, "u-1"))); err != nil {
		t.Fatal(err)
	}
	got := find(t, r, "u-1")
	want := &policy.Emergency{
		Name: got.Name, Object: guestbook, UID: "u-1", Reason: "INC-1234", By: "dana",
		From: began, Until: began.Add(time.Hour), Hold: true, Changed: []policy.Changed{{Key: guestbook, Fields: []string{"spec.replicas"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("emergency (-want +got):\n%s", diff)
	}
	said := []string{
		"Warning BreakGlassOpened: dana broke the glass until 2026-03-01T13:00:00Z: INC-1234",
		"Warning BreakGlassUsed: dana departed from Git by UPDATE, as BreakGlass " + got.Name + " permits.",
	}
	if diff := cmp.Diff(said, told.said); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if other := find(t, r, "u-2"); other != nil {
		t.Errorf("an object of another UID has %s", other.Name)
	}
}

func TestAnEmergencyThatIsNotWrittenYetCountsHere(t *testing.T) {
	broken := interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
		return errors.New("quota exceeded")
	}}
	r := replica(t, cluster(t, broken), &events{})
	if err := r.Record(t.Context(), opening("r-0")); err == nil || !strings.Contains(err.Error(), "quota exceeded") {
		t.Errorf("got %v", err)
	}
	if open := find(t, r, "u-1"); open == nil || open.Reason != "INC-1234" {
		t.Errorf("got %+v", open)
	}
}

func TestARecordHoldsNoMoreThanItsBounds(t *testing.T) {
	record := &v1alpha1.BreakGlass{}
	entry := use("", &policy.Emergency{})
	for i := range v1alpha1.MaxBreakGlassUses + 5 {
		entry.Review = types.UID(fmt.Sprint(i))
		entry.Key.Name = fmt.Sprint(i % 3)
		entry.Verdict.Differences = []fields.Difference{{Path: fmt.Sprintf("data.%d", i)}, {Path: fmt.Sprintf("data.x%d", i)}, {Path: fmt.Sprintf("data.y%d", i)}}
		note(record, entry, nil)
	}
	s := record.Status
	if len(s.Uses) != v1alpha1.MaxBreakGlassUses || s.Uses[0].UID != "5" || s.UseCount != v1alpha1.MaxBreakGlassUses+5 {
		t.Errorf("%d uses from %s, %d counted", len(s.Uses), s.Uses[0].UID, s.UseCount)
	}
	for _, change := range s.Changes {
		if diff := cmp.Diff([]string{"*"}, change.Fields); diff != "" {
			t.Errorf("fields of %s (-want +got):\n%s", change.Object.Name, diff)
		}
	}
}

func TestRecordsHaveNamesThatObjectsMayHave(t *testing.T) {
	for _, key := range []gitindex.Key{
		guestbook, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:node"}, {Kind: "Namespace", Name: strings.Repeat("a", 250)},
	} {
		name := nameOf(admission.Entry{Review: "r-0", Key: key})
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Errorf("%s: %s", name, problems)
		}
	}
}

func TestWhatGitHasCaughtUpWithSettles(t *testing.T) {
	ended := metav1.NewTime(began.Add(20 * time.Minute))
	for state, want := range map[v1alpha1.BreakGlassState]time.Time{
		v1alpha1.BreakGlassReconciled: began.Add(23 * time.Minute),
		v1alpha1.BreakGlassEnded:      {},
		v1alpha1.BreakGlassExpired:    {},
	} {
		record := &v1alpha1.BreakGlass{}
		record.Spec.From, record.Spec.Until = metav1.NewTime(began), metav1.NewTime(began.Add(time.Hour))
		record.Status.State, record.Status.EndedAt = state, &ended
		e := emergency(record)
		if !e.Until.Equal(ended.Time) || !e.Settled.Equal(want) {
			t.Errorf("%s: until %s, settled %s; want %s, %s", state, e.Until, e.Settled, ended, want)
		}
	}
}
