package breakglass

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestAnEmergencyThatIsNeverWrittenCountsHereUntilItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return errors.New("quota exceeded")
		}}
		r := replica(t, cluster(t, broken), &events{})
		if err := r.Record(t.Context(), opening("r-0")); err == nil || err.Error() != "creating BreakGlass "+nameOf(opening("r-0"))+": quota exceeded" {
			t.Errorf("got %v", err)
		}
		if open := find(t, r, "u-1"); open == nil || open.Reason != "INC-1234" {
			t.Errorf("while it is tried: %+v", open)
		}
		time.Sleep(2 * writeTime) // it is not tried any more
		synctest.Wait()
		if open := find(t, r, "u-1"); open == nil || open.Reason != "INC-1234" {
			t.Errorf("got %+v", open)
		}
		later := opening("r-1")
		later.UID, later.At = "u-2", began.Add(time.Hour)
		_ = r.Record(t.Context(), later)
		if open := find(t, r, "u-1"); open != nil {
			t.Errorf("it is over, and still kept: %+v", open)
		}
		time.Sleep(2 * writeTime)
	})
}

func TestAnEmergencyThatIsNotWrittenYetIsLaterThanTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := false
		broken := interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if full {
				return errors.New("quota exceeded")
			}
			return c.Create(ctx, object, options...)
		}}
		r := replica(t, cluster(t, broken), &events{})
		if err := r.Record(t.Context(), opening("r-0")); err != nil {
			t.Error(err)
		}
		full = true
		second := opening("r-1")
		second.At, second.Verdict.Emergency.Terms.Reason = began.Add(time.Minute), "INC-1235"
		_ = r.Record(t.Context(), second)
		third := second
		third.Review, third.At = "r-2", began.Add(2*time.Minute)
		_ = r.Record(t.Context(), third)
		if open := find(t, r, "u-1"); open == nil || open.Reason != "INC-1235" || open.Name != nameOf(third) {
			t.Errorf("got %+v", open)
		}
		time.Sleep(2 * writeTime) // it is not tried any more
		synctest.Wait()
	})
}

func TestAnEmergencyThatIsWrittenLateIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		broken := interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if tries++; tries < 5 {
				return errors.New("quota exceeded")
			}
			return c.Create(ctx, object, options...)
		}}
		c, told := cluster(t, broken), &events{}
		r := replica(t, c, told)
		if err := r.Record(t.Context(), opening("r-0")); err == nil {
			t.Error("it was said to be written")
		}
		time.Sleep(writeTime)
		synctest.Wait()
		var list v1alpha1.BreakGlassList
		if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 || list.Items[0].Status.UseCount != 1 || len(told.said) != 1 {
			t.Errorf("%v, told %q: %+v", err, told.said, list.Items)
		}
		if len(r.pending) != 0 {
			t.Errorf("it still waits: %v", r.pending)
		}
	})
}

func TestNoUseIsLostToConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conflicts := 0
		broken := interceptor.Funcs{SubResourceUpdate: func(ctx context.Context, c client.Client, resource string, object client.Object, options ...client.SubResourceUpdateOption) error {
			if conflicts++; conflicts <= 6 {
				return apierrors.NewConflict(kschema.GroupResource{Resource: "breakglasses"}, object.GetName(), errors.New("changed"))
			}
			return c.SubResource(resource).Update(ctx, object, options...)
		}}
		c, told := cluster(t, broken), &events{}
		r := replica(t, c, told)
		if err := r.Record(t.Context(), opening("r-0")); err != nil {
			t.Error(err)
		}
		var list v1alpha1.BreakGlassList
		if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 || list.Items[0].Status.UseCount != 1 || len(told.said) != 1 {
			t.Errorf("%v, told %q: %+v", err, told.said, list.Items)
		}
	})
}
