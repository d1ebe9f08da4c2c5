package breakglass

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
)

// asking opens an emergency that others have to agree to.
func asking(approvers int) admission.Entry {
	entry := opening("r-0")
	terms := entry.Verdict.Emergency.Terms
	terms.Approvers, terms.Code = approvers, "c0de"
	entry.Verdict.Emergency.Unrecorded = v1alpha1.Deny
	return entry
}

// agreeing is the entry of a request that agrees to an emergency.
func agreeing(review, user string, e *policy.Emergency) admission.Entry {
	entry := use(review, e)
	entry.By = v1alpha1.User{Name: user}
	entry.Verdict = policy.Verdict{Outcome: policy.Allow, Reason: policy.BreakGlassApproved, Emergency: &policy.EmergencyUse{Emergency: e, Unrecorded: v1alpha1.Deny, Approvers: 1}}
	return entry
}

// theRecord is the only one that there is.
func theRecord(t *testing.T, c client.Client) *v1alpha1.BreakGlass {
	t.Helper()
	var list v1alpha1.BreakGlassList
	if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%d records: %v", len(list.Items), err)
	}
	return &list.Items[0]
}

func TestARecordSaysWhoAgreed(t *testing.T) {
	c, told := cluster(t, interceptor.Funcs{}), &events{}
	r := replica(t, c, told)
	if err := r.Record(t.Context(), asking(2)); err != nil {
		t.Fatal(err)
	}
	open := find(t, r, "u-1")
	want := &policy.Emergency{
		Name: open.Name, Object: guestbook, UID: "u-1", Reason: "INC-1234", By: "dana", From: began, Until: began.Add(time.Hour), Hold: true,
		AskedBy: "dana", Approvers: 2, Code: "c0de",
	}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("emergency (-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		entry     admission.Entry
		state     v1alpha1.BreakGlassState
		message   string
		approvals []string
	}{
		{agreeing("r-1", "erin", open), v1alpha1.BreakGlassPending, "Waits for 1 other person to agree.", []string{"erin"}},
		{agreeing("r-2", "erin", open), v1alpha1.BreakGlassPending, "Waits for 1 other person to agree.", []string{"erin"}}, // by two requests at once
		{agreeing("r-3", "frank", open), v1alpha1.BreakGlassActive, "", []string{"erin", "frank"}},
	} {
		if record := theRecord(t, c); record.Status.State != v1alpha1.BreakGlassPending {
			t.Errorf("before %s: %s", step.entry.Review, record.Status.State)
		}
		if err := r.Record(t.Context(), step.entry); err != nil {
			t.Fatal(err)
		}
		if got := theRecord(t, c).Status; got.State != step.state || got.Message != step.message {
			t.Errorf("after %s: %s: %s", step.entry.Review, got.State, got.Message)
		}
		if diff := cmp.Diff(step.approvals, find(t, r, "u-1").Approvals); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.entry.Review, diff)
		}
	}
	said := []string{
		"Warning BreakGlassOpened: dana asks to break the glass until 2026-03-01T13:00:00Z, if others agree: INC-1234",
		"Warning BreakGlassApproved: erin agreed to BreakGlass " + open.Name + ", which dana asked for.",
	}
	if diff := cmp.Diff(said, told.said[:2]); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOtherTermsHaveToBeAgreedToAnew(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	r := replica(t, c, &events{})
	if err := r.Record(t.Context(), asking(1)); err != nil {
		t.Fatal(err)
	}
	stale := find(t, r, "u-1")
	if err := r.Record(t.Context(), agreeing("r-1", "erin", stale)); err != nil {
		t.Fatal(err)
	}
	longer := asking(1)
	longer.Review, longer.By = "r-2", v1alpha1.User{Name: "frank"}
	longer.Verdict.Emergency.Emergency = find(t, r, "u-1")
	longer.Verdict.Emergency.Terms = &policy.Terms{Reason: "INC-1234", Until: began.Add(2 * time.Hour), Asked: true, Hold: true, Approvers: 1, Code: "c1", HeldUntil: began.Add(time.Hour)}
	if err := r.Record(t.Context(), longer); err != nil {
		t.Fatal(err)
	}
	got := find(t, r, "u-1")
	want := &policy.Emergency{
		Name: got.Name, Object: guestbook, UID: "u-1", Reason: "INC-1234", By: "dana", From: began, Until: began.Add(2 * time.Hour), Asked: began.Add(2 * time.Hour), Hold: true,
		AskedBy: "frank", Approvers: 1, Code: "c1", HeldUntil: began.Add(time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("emergency (-want +got):\n%s", diff)
	}
	if record := theRecord(t, c); record.Status.State != v1alpha1.BreakGlassPending || len(record.Status.Approvals) != 0 {
		t.Errorf("%s, agreed to by %v", record.Status.State, record.Status.Approvals)
	}
	// Who was shown the terms that were.
	err := r.write(t.Context(), agreeing("r-3", "gina", stale))
	if want := "writing the status of BreakGlass " + got.Name + ": its terms have changed, and its code is c1 by now"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if got := find(t, r, "u-1"); got.Approvals != nil {
		t.Errorf("agreed to by %s", got.Approvals)
	}
}

func TestChangedTermsAreNotAgreedToForAMoment(t *testing.T) {
	stop := false
	c := cluster(t, interceptor.Funcs{SubResourceUpdate: func(ctx context.Context, c client.Client, resource string, object client.Object, options ...client.SubResourceUpdateOption) error {
		if stop {
			return errors.New("the replica is gone")
		}
		return c.SubResource(resource).Update(ctx, object, options...)
	}})
	r := replica(t, c, &events{})
	for _, entry := range []admission.Entry{asking(1), agreeing("r-1", "erin", &policy.Emergency{Name: nameOf(asking(1)), Code: "c0de"})} {
		if err := r.write(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	stop = true
	another := asking(1)
	another.Review, another.Verdict.Emergency.Emergency = "r-2", find(t, r, "u-1")
	another.Verdict.Emergency.Terms = &policy.Terms{Reason: "something else", Until: began.Add(time.Hour), Approvers: 1, Code: "c1"}
	if err := r.write(t.Context(), another); err == nil {
		t.Error("the status was written")
	}
	if got := find(t, r, "u-1"); got.Reason != "something else" || got.Approvals != nil {
		t.Errorf("%s is agreed to by %s", got.Reason, got.Approvals)
	}
}

func TestWhatWasRefusedIsNotWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := false
		c := cluster(t, interceptor.Funcs{SubResourceUpdate: func(ctx context.Context, c client.Client, resource string, object client.Object, options ...client.SubResourceUpdateOption) error {
			if broken {
				return errors.New("quota exceeded")
			}
			return c.SubResource(resource).Update(ctx, object, options...)
		}})
		r := replica(t, c, &events{})
		if err := r.Record(t.Context(), asking(1)); err != nil {
			t.Error(err)
		}
		broken = true
		if err := r.Record(t.Context(), agreeing("r-1", "erin", find(t, r, "u-1"))); err == nil || !strings.HasSuffix(err.Error(), ": quota exceeded") {
			t.Errorf("got %v", err)
		}
		broken = false
		time.Sleep(2 * writeTime)
		synctest.Wait()
		if got := find(t, r, "u-1"); got.Approvals != nil {
			t.Errorf("agreed to by %s", got.Approvals)
		}
	})
}

func TestNobodyAgreesToWhatIsOver(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	r := replica(t, c, &events{})
	end := agreeing("r-1", "dana", &policy.Emergency{Name: nameOf(asking(1)), Code: "c0de"})
	end.Verdict.Reason = policy.BreakGlassEnded
	for _, entry := range []admission.Entry{asking(1), end} {
		if err := r.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	err := r.write(t.Context(), agreeing("r-2", "erin", &policy.Emergency{Name: nameOf(asking(1)), Code: "c0de"}))
	if err == nil || !strings.HasSuffix(err.Error(), ": it is over: Ended") {
		t.Errorf("got %v", err)
	}
	if got := theRecord(t, c); got.Status.State != v1alpha1.BreakGlassEnded || len(got.Status.Approvals) != 0 {
		t.Errorf("%s, agreed to by %v", got.Status.State, got.Status.Approvals)
	}
}
