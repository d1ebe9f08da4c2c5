package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// at is a snapshot with source infra, and two sources of GitSource flux.
func at(infra, apps, db string) *gitindex.Snapshot {
	state := func(name, of, commit string) gitindex.SourceState {
		return gitindex.SourceState{Source: gitindex.Source{Name: name, Of: of}, Revision: gitindex.Revision{Name: "main", Commit: commit}}
	}
	return gitindex.NewSnapshot([]gitindex.SourceState{
		state("infra", "", infra), state("Kustomization flux-system/apps", "flux", apps), state("Kustomization flux-system/db", "flux", db),
	})
}

func TestAReplicaSaysWhatIsNewAndOnceAMinuteThatItIsThere(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var wrote []string
	var away error
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&v1alpha1.GitSource{ObjectMeta: metav1.ObjectMeta{Name: "flux"}},
		&v1alpha1.GitSource{ObjectMeta: metav1.ObjectMeta{Name: "infra"}},
	).WithInterceptorFuncs(interceptor.Funcs{
		SubResourceApply: func(_ context.Context, _ client.Client, subresource string, object runtime.ApplyConfiguration, options ...client.SubResourceApplyOption) error {
			var o client.SubResourceApplyOptions
			o.ApplyOpts(options)
			text, err := yaml.Marshal(object)
			wrote = append(wrote, subresource+" by "+o.FieldManager+"\n"+string(text))
			return errors.Join(away, err)
		},
	}).Build()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	var latest *gitindex.Snapshot
	r := &replica{
		name: "gitonly-1", client: c, latest: func() *gitindex.Snapshot { return latest }, clock: clock, log: logr.Discard(),
		said: map[string]v1alpha1.ReplicaStatus{},
	}
	entry := func(gitSource, revision, at string) string {
		return "status by gitonly-replica-gitonly-1\napiVersion: gitonly.dev/v1alpha1\nkind: GitSource\nmetadata:\n  name: " + gitSource +
			"\nstatus:\n  replicas:\n  - lastSeenTime: \"2026-03-01T" + at + "Z\"\n    name: gitonly-1\n    revision: " + revision + "\n"
	}
	says := func(when string, want ...string) {
		t.Helper()
		wrote = nil
		if err := r.say(t.Context()); !errors.Is(err, away) {
			t.Errorf("%s: %v", when, err)
		}
		if diff := cmp.Diff(want, wrote); diff != "" {
			t.Errorf("%s it writes (-want +got):\n%s", when, diff)
		}
	}

	says("before it knows anything", entry("flux", `""`, "12:00:00"), entry("infra", `""`, "12:00:00"))
	latest = at("4f2c1ab93d", "1", "2")
	clock.SetTime(clock.Now().Add(10 * time.Second))
	says("with the first snapshot", entry("flux", "cf8c930d of 2 sources", "12:00:10"), entry("infra", "main@4f2c1ab", "12:00:10"))
	clock.SetTime(clock.Now().Add(10 * time.Second))
	says("with nothing new")
	latest = at("4f2c1ab93d", "1", "3")
	says("where one of the agent's sources moves on", entry("flux", "0b497155 of 2 sources", "12:00:20"))
	clock.SetTime(clock.Now().Add(50 * time.Second))
	says("after a minute", entry("infra", "main@4f2c1ab", "12:01:10"))
	clock.SetTime(clock.Now().Add(10 * time.Second))
	away = errors.New("the API server is away")
	says("in trouble", entry("flux", "0b497155 of 2 sources", "12:01:20"))
	away = nil
	says("after trouble", entry("flux", "0b497155 of 2 sources", "12:01:20"))
}

func TestReplicasThatSayNothingAreLeftOut(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	seen := func(name string, ago time.Duration) v1alpha1.ReplicaStatus {
		return v1alpha1.ReplicaStatus{Name: name, LastSeenTime: metav1.NewTime(now.Add(-ago))}
	}
	all := []v1alpha1.ReplicaStatus{seen("gone", 5*time.Minute+time.Second), seen("slow", 5*time.Minute), seen("ahead", -time.Hour)}
	if diff := cmp.Diff(all[1:], present(all, now)); diff != "" {
		t.Errorf("present (-want +got):\n%s", diff)
	}
}
