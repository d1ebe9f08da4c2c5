package breakglass

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// git is a snapshot in which a commit declares the guestbook.
func git(commit, replicas string) *gitindex.Snapshot {
	return declared(commit, `{"spec":{"replicas":`+replicas+`}}`)
}

// large is the same with so much in it that it is held compressed.
func large(commit, replicas string) *gitindex.Snapshot {
	return declared(commit, `{"spec":{"replicas":`+replicas+`,"template":{"metadata":{"annotations":{"text":"`+strings.Repeat("much ", 1000)+`"}}}}}`)
}

func declared(commit, json string) *gitindex.Snapshot {
	revision := gitindex.Revision{Name: "main", Commit: commit}
	object := gitindex.Declared{
		Key: guestbook, APIVersion: "apps/v1", Manifest: gitindex.NewManifest([]byte(json)),
		Origin: gitindex.Origin{Source: "infra", Revision: revision},
	}
	first := object
	first.Key.Name = "another"
	objects := []gitindex.Declared{first, object}
	gitindex.Pack(objects)
	return gitindex.NewSnapshot([]gitindex.SourceState{{
		Source: gitindex.Source{Name: "infra"}, Revision: revision,
		Locations: []gitindex.LocationState{{Revision: revision, Objects: objects}},
	}})
}

// active is the record of the guestbook's emergency, which lasts an hour, and of
// what was changed in it.
func active(changes ...v1alpha1.BreakGlassChange) *v1alpha1.BreakGlass {
	return &v1alpha1.BreakGlass{
		ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Spec: v1alpha1.BreakGlassSpec{
			Object: reference(guestbook, "u-1"), Reason: "INC-1234", OpenedBy: v1alpha1.User{Name: "dana"},
			From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour)),
		},
		Status: v1alpha1.BreakGlassStatus{
			State: v1alpha1.BreakGlassActive, Uses: []v1alpha1.BreakGlassUse{{UID: "r-1", Time: metav1.NewTime(began)}}, Changes: changes,
		},
	}
}

func TestEmergenciesAreClosedWhenTheyAreOver(t *testing.T) {
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1, annotations: {gitonly.dev/break-glass: INC-1234}}, spec: {replicas: 5}}`
	const departs = "Departs from Git: Deployment staging/guestbook spec.replicas."
	for _, test := range []struct {
		name    string
		after   time.Duration // since it began
		git     *gitindex.Snapshot
		live    string
		problem error
		want    string // state and message; empty if the record is gone
	}{
		{"it is open", time.Minute, git("a", "1"), live, nil, "Active: " + departs},
		{"it is open, and Git's object is large", time.Minute, large("a", "1"), live, nil, "Active: " + departs},
		{"Git says the same since, and its object is large", time.Minute, large("b", "5"), live, nil, "Reconciled: Git says now what was changed."},
		{"its time is over", time.Hour, git("a", "1"), live, nil, "Expired: " + departs},
		{"Git says the same since", time.Minute, git("b", "5"), live, nil, "Reconciled: Git says now what was changed."},
		{"Git moved and says something else", time.Minute, git("b", "3"), live, nil, "Active: " + departs},
		{"Git moved, and what was changed isn't there yet", 10 * time.Second, git("b", "1"), strings.Replace(live, "replicas: 5", "replicas: 1", 1), nil, "Active: "},
		{"it was taken back by hand", time.Minute, git("a", "5"), live, nil, "Active: "},
		{"its annotation is gone", time.Minute, git("a", "1"), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1}, spec: {replicas: 5}}`, nil, "Ended: Its annotation is gone. " + departs},
		{"its annotation isn't there yet", 10 * time.Second, git("a", "1"), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1}, spec: {replicas: 5}}`, nil, "Active: " + departs},
		{"another has its name", time.Minute, git("a", "1"), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-2, annotations: {gitonly.dev/break-glass: INC-1234}}, spec: {replicas: 5}}`, nil, "Ended: Another object has its name. " + departs},
		{"the object is gone", time.Minute, git("a", "1"), "", nil, "Ended: The object is gone. Departs from Git: Deployment staging/guestbook."},
		{"it can't be read", time.Minute, git("a", "1"), live, apierrors.NewForbidden(kschema.GroupResource{Group: "apps", Resource: "deployments"}, "guestbook", nil),
			`Active: What departs from Git can't be told: reading Deployment staging/guestbook: deployments.apps "guestbook" is forbidden: <nil>.`},
		{"it was over long ago", 91 * 24 * time.Hour, git("a", "1"), live, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			record := active(v1alpha1.BreakGlassChange{Object: reference(guestbook, "u-1"), Fields: []string{"spec.replicas"}, Revision: "a"})
			c := cluster(t, interceptor.Funcs{}, record)
			k := newKeeper(t, c, &reader{live: test.live, problem: test.problem}, test.git, began.Add(test.after))
			if _, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}); err != nil {
				t.Fatal(err)
			}
			var got v1alpha1.BreakGlass
			err := c.Get(t.Context(), client.ObjectKey{Name: "one"}, &got)
			if test.want == "" {
				if !apierrors.IsNotFound(err) {
					t.Errorf("it is still there: %v", err)
				}
				return
			}
			if said := string(got.Status.State) + ": " + got.Status.Message; err != nil || said != test.want {
				t.Errorf("\n got %s, %v\nwant %s", said, err, test.want)
			}
			if closed := got.Status.EndedAt != nil; closed != (got.Status.State != v1alpha1.BreakGlassActive) {
				t.Errorf("state %s, ended at %v", got.Status.State, got.Status.EndedAt)
			}
		})
	}
}

func TestWhatCanBeReadIsToldBesideWhatCannot(t *testing.T) {
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1, annotations: {gitonly.dev/break-glass: INC-1234}}, spec: {replicas: 5}}`
	secret := gitindex.Key{Kind: "Secret", Namespace: "staging", Name: "plain"}
	record := active(
		v1alpha1.BreakGlassChange{Object: reference(secret, "u-2"), Fields: []string{"data.password"}, Revision: "a"},
		v1alpha1.BreakGlassChange{Object: reference(guestbook, "u-1"), Fields: []string{"spec.replicas"}, Revision: "a"},
	)
	forbidden := apierrors.NewForbidden(kschema.GroupResource{Resource: "secrets"}, "plain", nil)
	for replicas, want := range map[string]string{
		"3": `Active: Departs from Git: Deployment staging/guestbook spec.replicas. What departs from Git can't be told: reading Secret staging/plain: secrets "plain" is forbidden: <nil>.`,
		"5": `Active: What departs from Git can't be told: reading Secret staging/plain: secrets "plain" is forbidden: <nil>.`, // so nobody knows whether Git has caught up
	} {
		c := cluster(t, interceptor.Funcs{}, record.DeepCopy())
		k := newKeeper(t, c, &reader{live: live, secrets: forbidden}, git("b", replicas), began.Add(time.Minute))
		if _, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}); err != nil {
			t.Fatal(err)
		}
		var got v1alpha1.BreakGlass
		err := c.Get(t.Context(), client.ObjectKey{Name: "one"}, &got)
		if said := string(got.Status.State) + ": " + got.Status.Message; err != nil || said != want {
			t.Errorf("\n got %s, %v\nwant %s", said, err, want)
		}
	}
}

func TestARecordStaysAsLongAsThePolicySays(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name  string
		after time.Duration // since it began
		ended time.Duration // since it began; it was ended then
		bare  bool          // there is no policy
		want  bool
	}{
		{"90 days are over since it was ended", 90*day + 10*time.Minute, 10 * time.Minute, false, false},
		{"they aren't", 90*day + 10*time.Minute - time.Second, 10 * time.Minute, false, true},
		{"there is no policy to say so", 9000 * day, 10 * time.Minute, true, true},
		{"there is none, and the clock of whoever ended it was ahead", 9 * time.Minute, 10 * time.Minute, true, true},
	} {
		ended := metav1.NewTime(began.Add(test.ended))
		c := cluster(t, interceptor.Funcs{}, &v1alpha1.BreakGlass{
			ObjectMeta: metav1.ObjectMeta{Name: "one"},
			Spec:       v1alpha1.BreakGlassSpec{Object: reference(guestbook, "u-1"), From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour))},
			Status:     v1alpha1.BreakGlassStatus{State: v1alpha1.BreakGlassEnded, EndedAt: &ended},
		})
		k := newKeeper(t, c, &reader{}, nil, began.Add(test.after))
		if test.bare {
			k.policy = func() policy.Policy { return policy.Policy{} }
		}
		if _, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}); err != nil {
			t.Fatal(err)
		}
		err := c.Get(t.Context(), client.ObjectKey{Name: "one"}, &v1alpha1.BreakGlass{})
		if there := err == nil; there != test.want {
			t.Errorf("%s: there %t, %v", test.name, there, err)
		}
	}
}

func TestAnOpenEmergencyIsLookedAtAgainAndToldOnceItIsOver(t *testing.T) {
	record := &v1alpha1.BreakGlass{
		ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Spec:       v1alpha1.BreakGlassSpec{Object: reference(guestbook, "u-1"), From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour))},
	}
	c := cluster(t, interceptor.Funcs{}, record)
	told := &events{}
	request := reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}
	for _, test := range []struct {
		after time.Duration
		want  time.Duration // until it is looked at again
	}{
		{time.Minute, lookInterval}, {time.Hour - 2*time.Second, 2 * time.Second}, {time.Hour, 90 * 24 * time.Hour}, {2 * time.Hour, 90*24*time.Hour - time.Hour},
	} {
		k := newKeeper(t, c, &reader{}, git("a", "1"), began.Add(test.after))
		k.teller.events = told
		got, err := k.Reconcile(t.Context(), request)
		if err != nil || got.RequeueAfter != test.want {
			t.Errorf("after %s: %s, %v; want %s", test.after, got.RequeueAfter, err, test.want)
		}
	}
	if want := []string{"Normal BreakGlassExpired: BreakGlass one is over: Expired."}; !slices.Equal(told.said, want) {
		t.Errorf("told %q", told.said)
	}
}

func TestAClosedEmergencyThatChangedMeanwhileIsLookedAtAgain(t *testing.T) {
	broken := interceptor.Funcs{SubResourceUpdate: func(context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption) error {
		return apierrors.NewConflict(kschema.GroupResource{Resource: "breakglasses"}, "one", nil)
	}}
	c := cluster(t, broken, &v1alpha1.BreakGlass{
		ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Spec:       v1alpha1.BreakGlassSpec{Object: reference(guestbook, "u-1"), From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour))},
	})
	told := &events{}
	k := newKeeper(t, c, &reader{}, nil, began.Add(time.Hour))
	k.teller.events = told
	got, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}})
	if err != nil || got.RequeueAfter == 0 || told.said != nil {
		t.Errorf("again in %s, %v; told %q", got.RequeueAfter, err, told.said)
	}
}

func newKeeper(t *testing.T, c client.Client, live client.Reader, snapshot *gitindex.Snapshot, now time.Time) *keeper {
	t.Helper()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	guard := v1alpha1.GuardPolicy{}
	guard.SetDefaults()
	p, err := policy.New([]v1alpha1.GuardPolicy{guard}, types)
	if err != nil {
		t.Fatal(err)
	}
	teller, err := NewTeller(&events{}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper([]kschema.GroupVersion{{Group: "apps", Version: "v1"}, {Version: "v1"}})
	mapper.Add(kschema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	mapper.Add(kschema.GroupVersionKind{Version: "v1", Kind: "Secret"}, meta.RESTScopeNamespace)
	return &keeper{
		client: c, live: live, mapper: mapper, policy: func() policy.Policy { return p }, current: func() *gitindex.Snapshot { return snapshot },
		teller: teller, clock: clocktesting.NewFakePassiveClock(now), log: logr.Discard(),
		noticed: map[string]notice{"one": {"r-1", began}},
	}
}

// reader reads one object, whatever is asked for.
type reader struct {
	client.Reader
	live    string
	problem error
	secrets error // of those, if set
}

func (r *reader) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if r.problem != nil {
		return r.problem
	}
	if r.secrets != nil && into.GetObjectKind().GroupVersionKind().Kind == "Secret" {
		return r.secrets
	}
	if r.live == "" {
		return apierrors.NewNotFound(kschema.GroupResource{Group: "apps", Resource: "deployments"}, "guestbook")
	}
	encoded, err := yaml.YAMLToJSON([]byte(r.live))
	if err != nil {
		return err
	}
	return into.(*unstructured.Unstructured).UnmarshalJSON(encoded)
}

func TestAnEmergencyThatWaitsIsClosedToo(t *testing.T) {
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1, annotations: {gitonly.dev/break-glass: INC-1234}}}`
	const bare = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1}}`
	for _, test := range []struct {
		name   string
		after  time.Duration // since it began
		agreed []string      // by which codes
		live   string
		want   string
	}{
		{"nobody has agreed", time.Minute, nil, live, "Pending: Waits for 2 other people to agree."},
		{"one has", time.Minute, []string{"c0de"}, live, "Pending: Waits for 1 other person to agree."},
		{"two have", time.Minute, []string{"c0de", "c0de"}, live, "Active: "},
		{"one has, and another to other terms", time.Minute, []string{"0ld", "c0de"}, live, "Pending: Waits for 1 other person to agree."},
		{"its time is over", time.Hour, []string{"c0de"}, live, "Expired: Too few others agreed."},
		{"its annotation is gone", time.Minute, nil, bare, "Ended: Its annotation is gone."},
	} {
		record := &v1alpha1.BreakGlass{
			ObjectMeta: metav1.ObjectMeta{Name: "one"},
			Spec: v1alpha1.BreakGlassSpec{
				Object: reference(guestbook, "u-1"), Reason: "INC-1234", OpenedBy: v1alpha1.User{Name: "dana"}, Approval: v1alpha1.BreakGlassApproval{Approvers: 2, Code: "c0de"},
				From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour)),
			},
			Status: v1alpha1.BreakGlassStatus{State: v1alpha1.BreakGlassPending, Uses: []v1alpha1.BreakGlassUse{{UID: "r-1", Time: metav1.NewTime(began)}}},
		}
		for _, code := range test.agreed {
			record.Status.Approvals = append(record.Status.Approvals, v1alpha1.BreakGlassAgreement{Code: code})
		}
		c := cluster(t, interceptor.Funcs{}, record)
		k := newKeeper(t, c, &reader{live: test.live}, git("a", "1"), began.Add(test.after))
		if _, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}); err != nil {
			t.Fatal(err)
		}
		var got v1alpha1.BreakGlass
		err := c.Get(t.Context(), client.ObjectKey{Name: "one"}, &got)
		if said := string(got.Status.State) + ": " + got.Status.Message; err != nil || said != test.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", test.name, said, err, test.want)
		}
	}
}

func TestWhatDepartsFromGitIsSaidOnceSomebodyEndedIt(t *testing.T) {
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, uid: u-1}, spec: {replicas: 5}}`
	for _, test := range []struct {
		name    string
		git     *gitindex.Snapshot
		problem error
		before  string
		want    string
	}{
		{"it departs", git("a", "1"), nil, "Ended by ann.", "Ended by ann. Departs from Git: Deployment staging/guestbook spec.replicas."},
		{"it doesn't", git("a", "5"), nil, "Ended by ann.", "Ended by ann. Nothing that was changed departs from Git."},
		{"it can't be read", git("a", "1"), apierrors.NewForbidden(kschema.GroupResource{Group: "apps", Resource: "deployments"}, "guestbook", nil), "Ended by ann.",
			`Ended by ann. What departs from Git can't be told: reading Deployment staging/guestbook: deployments.apps "guestbook" is forbidden: <nil>.`},
		{"it was said before", git("a", "1"), nil, "Ended by ann. Nothing that was changed departs from Git.", "Ended by ann. Nothing that was changed departs from Git."},
		{"nothing of Git is loaded yet", nil, nil, "Ended by ann.", "Ended by ann."},
	} {
		ended := metav1.NewTime(began.Add(time.Minute))
		c := cluster(t, interceptor.Funcs{}, &v1alpha1.BreakGlass{
			ObjectMeta: metav1.ObjectMeta{Name: "one"},
			Spec:       v1alpha1.BreakGlassSpec{Object: reference(guestbook, "u-1"), From: metav1.NewTime(began), Until: metav1.NewTime(began.Add(time.Hour))},
			Status: v1alpha1.BreakGlassStatus{
				State: v1alpha1.BreakGlassEnded, EndedAt: &ended, Message: test.before,
				Uses:    []v1alpha1.BreakGlassUse{{UID: "r-1", By: v1alpha1.User{Name: "dana"}}, {UID: "r-2", By: v1alpha1.User{Name: "ann"}}},
				Changes: []v1alpha1.BreakGlassChange{{Object: reference(guestbook, "u-1"), Fields: []string{"spec.replicas"}, Revision: "a"}},
			},
		})
		k := newKeeper(t, c, &reader{live: live, problem: test.problem}, test.git, began.Add(time.Minute))
		if _, err := k.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "one"}}); err != nil {
			t.Fatal(err)
		}
		var got v1alpha1.BreakGlass
		if err := c.Get(t.Context(), client.ObjectKey{Name: "one"}, &got); err != nil || got.Status.Message != test.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", test.name, got.Status.Message, err, test.want)
		}
	}
}
