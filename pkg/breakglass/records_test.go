package breakglass

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
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
	if first := list.Items[0].Status.Uses[0]; first.Did != "Opened" || first.Reason != "INC-1234" || !first.Until.Time.Equal(began.Add(time.Hour)) {
		t.Errorf("the terms that were asked for aren't there: %+v", first)
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

func TestARequestThatIsReviewedAgainIsRecordedOnce(t *testing.T) {
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	r := replica(t, c, told)
	again := func(review string, edits ...func(*admission.Entry)) {
		t.Helper()
		entry := opening(review)
		entry.Verdict.Emergency.Emergency = find(t, r, "u-1")
		for _, edit := range edits {
			edit(&entry)
		}
		if err := r.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	again("r-0")
	again("r-1")
	record := theRecord(t, c)
	if s := record.Status; s.UseCount != 1 || len(told.said) != 1 {
		t.Fatalf("%d uses, told %q", s.UseCount, told.said)
	}
	for name, edit := range map[string]func(*admission.Entry){
		"somebody else's":             func(e *admission.Entry) { e.By.Name = "erin" },
		"one with another end":        func(e *admission.Entry) { e.Verdict.Emergency.Terms.Until = began.Add(2 * time.Hour) },
		"one with another reason":     func(e *admission.Entry) { e.Verdict.Emergency.Terms.Reason = "INC-1235" },
		"one that changes more of it": func(e *admission.Entry) { e.Verdict.Differences = []fields.Difference{{Path: "spec.paused"}} },
	} {
		before := theRecord(t, c).Status.UseCount
		again("r-"+name, edit)
		if theRecord(t, c).Status.UseCount != before+1 {
			t.Errorf("%s isn't recorded", name)
		}
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
		Name: got.Name, Object: guestbook, UID: "u-1", Reason: "INC-1234", By: "dana", AskedBy: "dana",
		From: began, Until: began.Add(time.Hour), Hold: true, Changed: []policy.Changed{{Key: guestbook, Fields: []string{"spec.replicas"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("emergency (-want +got):\n%s", diff)
	}
	said := []string{
		"Warning BreakGlassOpened: dana broke the glass until 2026-03-01T13:00:00Z: INC-1234",
		"Warning BreakGlassUsed: dana departed from Git by UPDATE, as BreakGlass " + got.Name + " permits: spec.replicas.",
	}
	if diff := cmp.Diff(said, told.said); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if other := find(t, r, "u-2"); other != nil {
		t.Errorf("an object of another UID has %s", other.Name)
	}
}

func TestTheLatestEmergencyOfAnObjectCounts(t *testing.T) {
	r := replica(t, cluster(t, interceptor.Funcs{}), &events{})
	reviews := []string{"r-0", "r-1", "r-2"}
	slices.SortFunc(reviews, func(a, b string) int { return -strings.Compare(nameOf(opening(a)), nameOf(opening(b))) }) // the latest isn't the last by name
	for i, review := range reviews {
		entry := opening(review)
		entry.At, entry.Verdict.Emergency.Terms.Reason = began.Add(time.Duration(i)*time.Hour), review
		entry.Verdict.Emergency.Terms.Until = entry.At.Add(time.Hour)
		if err := r.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(t, r, "u-1"); got == nil || got.Reason != reviews[2] || !got.From.Equal(began.Add(2*time.Hour)) {
		t.Errorf("got %+v", got)
	}
}

func TestTheOpenOneOfTwoEmergenciesInASecondCounts(t *testing.T) {
	for _, reviews := range [][]string{{"r-0", "r-1"}, {"r-1", "r-0"}} { // the latest is the last by name, or the first
		r := replica(t, cluster(t, interceptor.Funcs{}), &events{})
		first, second := opening(reviews[0]), opening(reviews[1])
		second.Verdict.Emergency.Terms.Reason = "INC-1235"
		if err := r.Record(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		end := use("r-2", find(t, r, "u-1"))
		end.Verdict.Reason, end.Verdict.Emergency.Without = policy.BreakGlassEnded, ""
		for _, entry := range []admission.Entry{end, second} {
			if err := r.Record(t.Context(), entry); err != nil {
				t.Fatal(err)
			}
		}
		if got := find(t, r, "u-1"); got == nil || got.Reason != "INC-1235" {
			t.Errorf("%v: got %+v", reviews, got)
		}
	}
}

func TestChangedTermsChangeTheRecord(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	r := replica(t, c, &events{})
	if err := r.Record(t.Context(), opening("r-0")); err != nil {
		t.Fatal(err)
	}
	longer := opening("r-1")
	longer.At, longer.By = began.Add(time.Minute), v1alpha1.User{Name: "ann"}
	longer.Verdict.Emergency = &policy.EmergencyUse{Emergency: find(t, r, "u-1"), Terms: &policy.Terms{Reason: "INC-1234 still", Until: began.Add(2 * time.Hour), Asked: true, Code: "c-1"}}
	if err := r.Record(t.Context(), longer); err != nil {
		t.Fatal(err)
	}
	got := find(t, r, "u-1")
	want := &policy.Emergency{Name: got.Name, Object: guestbook, UID: "u-1", Reason: "INC-1234 still", By: "dana", AskedBy: "ann", Code: "c-1", From: began, Until: began.Add(2 * time.Hour), Asked: began.Add(2 * time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("emergency (-want +got):\n%s", diff)
	}
	var record v1alpha1.BreakGlass
	if err := c.Get(t.Context(), client.ObjectKey{Name: got.Name}, &record); err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, use := range record.Status.Uses {
		did = append(did, use.By.Name+": "+use.Did)
	}
	if diff := cmp.Diff([]string{"dana: Opened", "ann: Changed the terms"}, did); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

func TestAnEmergencyThatSomebodyEndedIsOver(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	r := replica(t, c, &events{})
	if err := r.Record(t.Context(), opening("r-0")); err != nil {
		t.Fatal(err)
	}
	open := find(t, r, "u-1")
	end := use("r-1", open)
	end.At, end.Verdict.Reason, end.Verdict.Emergency.Without, end.Verdict.Differences = began.Add(10*time.Minute), policy.BreakGlassEnded, "", nil
	late := use("r-2", open) // decided before, and recorded after
	again := end
	again.Review, again.At, again.By = "r-3", began.Add(20*time.Minute), v1alpha1.User{Name: "ann"}
	for _, entry := range []admission.Entry{end, late, again} {
		if err := r.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(t, r, "u-1"); !got.Until.Equal(began.Add(10 * time.Minute)) {
		t.Errorf("until %s", got.Until)
	}
	var record v1alpha1.BreakGlass
	if err := c.Get(t.Context(), client.ObjectKey{Name: open.Name}, &record); err != nil {
		t.Fatal(err)
	}
	if s := record.Status; s.State != v1alpha1.BreakGlassEnded || s.Message != "Ended by dana." || s.UseCount != 4 {
		t.Errorf("%s: %s, %d uses", s.State, s.Message, s.UseCount)
	}
}

func TestARefusalIsToldAndNotRecorded(t *testing.T) {
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	r := replica(t, c, told)
	refused, held := opening("r-0"), use("r-1", &policy.Emergency{Name: "one"})
	refused.Verdict.Outcome, refused.Verdict.Reason = policy.Deny, policy.BreakGlassRefused
	held.Verdict.Outcome, held.Verdict.Reason = policy.Deny, policy.Held
	for _, entry := range []admission.Entry{refused, held} {
		if err := r.Record(t.Context(), entry); err != nil {
			t.Error(err)
		}
	}
	want := []string{"Warning BreakGlassRefused: dana may not break the glass, or not like this.", "Warning Held: BreakGlass one kept dana from taking back what was changed."}
	if !slices.Equal(told.said, want) || find(t, r, "u-1") != nil {
		t.Errorf("told %q", told.said)
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

func TestTooManyRefusalsAreCountedAndNotTold(t *testing.T) {
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	r := replica(t, c, told)
	r.teller.refusals = flowcontrol.NewFakeNeverRateLimiter()
	refused := opening("r-0")
	refused.Verdict.Outcome, refused.Verdict.Reason = policy.Deny, policy.BreakGlassRefused
	for _, entry := range []admission.Entry{refused, opening("r-1")} {
		if err := r.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"Warning BreakGlassOpened: dana broke the glass until 2026-03-01T13:00:00Z: INC-1234"}
	if diff := cmp.Diff(want, told.said); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := testutil.ToFloat64(r.teller.requests.WithLabelValues("BreakGlassRefused")); got != 1 {
		t.Errorf("%v are counted", got)
	}
}
