package breakglass

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestOpenEmergenciesAreCountedAndTheOldestIsTold(t *testing.T) {
	record := func(name string, from time.Time, state v1alpha1.BreakGlassState) client.Object {
		b := &v1alpha1.BreakGlass{}
		b.Name, b.Spec.From, b.Status.State = name, metav1.NewTime(from), state
		return b
	}
	for name, test := range map[string]struct {
		records []client.Object
		open    float64
		oldest  time.Time
	}{
		"none":         {nil, 0, time.Unix(0, 0)},
		"one is over":  {[]client.Object{record("over", began, v1alpha1.BreakGlassExpired)}, 0, time.Unix(0, 0)},
		"two are open": {[]client.Object{record("over", began.Add(-time.Hour), v1alpha1.BreakGlassEnded), record("newer", began.Add(time.Hour), v1alpha1.BreakGlassActive), record("older", began, v1alpha1.BreakGlassPending)}, 2, began},
	} {
		k := newKeeper(t, cluster(t, interceptor.Funcs{}, test.records...), &reader{}, nil, began)
		if err := k.count(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open, oldest := testutil.ToFloat64(k.teller.open), testutil.ToFloat64(k.teller.oldest); open != test.open || oldest != float64(test.oldest.Unix()) {
			t.Errorf("%s: %v open, the oldest since %v", name, open, oldest)
		}
	}
}
