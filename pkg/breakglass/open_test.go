package breakglass

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
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
		open    int
		oldest  int64
	}{
		"none":         {nil, 0, 0},
		"one is over":  {[]client.Object{record("over", began, v1alpha1.BreakGlassExpired)}, 0, 0},
		"two are open": {[]client.Object{record("over", began.Add(-time.Hour), v1alpha1.BreakGlassEnded), record("newer", began.Add(time.Hour), v1alpha1.BreakGlassActive), record("older", began, v1alpha1.BreakGlassPending)}, 2, began.Unix()},
	} {
		k := newKeeper(t, cluster(t, interceptor.Funcs{}, test.records...), &reader{}, nil, began)
		registry, now := prometheus.NewRegistry(), clocktesting.NewFakePassiveClock(began)
		teller, err := NewTeller(&events{}, registry)
		if err != nil {
			t.Fatal(err)
		}
		k.teller, teller.clock = teller, now
		says := func(when string, open int, oldest int64) {
			t.Helper()
			want := fmt.Sprintf(`
# HELP gitonly_break_glass_oldest_timestamp_seconds When the oldest emergency that is open began; 0 if none is. Only the leading replica says it.
# TYPE gitonly_break_glass_oldest_timestamp_seconds gauge
gitonly_break_glass_oldest_timestamp_seconds %d
# HELP gitonly_break_glass_open Emergencies that are open. Only the leading replica counts them.
# TYPE gitonly_break_glass_open gauge
gitonly_break_glass_open %d
`, oldest, open)
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
				t.Errorf("%s, %s: %v", name, when, err)
			}
		}
		says("before anything is counted", 0, 0)
		if err := k.count(t.Context()); err != nil {
			t.Fatal(err)
		}
		says("counted", test.open, test.oldest)
		now.SetTime(began.Add(censusAge))
		says("a while later", test.open, test.oldest)
		now.SetTime(began.Add(censusAge + time.Second))
		says("when another replica has led for long", 0, 0)
	}
}
