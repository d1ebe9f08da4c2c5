package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// around is what is known of the emergency of Namespace staging.
func around(permitted bool, edits ...func(*policy.Emergency)) *policy.BreakGlass {
	e := open(edits...)
	e.Name, e.Object, e.Changed = "namespace-staging-x", gitindex.Key{Kind: "Namespace", Name: "staging"}, nil
	return &policy.BreakGlass{Permitted: permitted, Namespace: e, Resource: "deployments.apps"}
}

func TestAnEmergencyPermitsEachKindOfRequest(t *testing.T) {
	const until = ", as BreakGlass namespace-staging-x permits until 2026-03-01T12:30:00Z. This is recorded."
	pods := of("", "v1", "Pod", "staging", "guestbook-1")
	lockdown := `{mode: Enforce, undeclaredObjects: {people: Deny, serviceAccounts: Deny}, derivedObjects: {delete: Deny}}`
	for _, test := range []struct {
		name    string
		request policy.Request
		without policy.Reason // by which it would be refused
		object  string
	}{
		{"an update", request(t, person, policy.Update, guestbook, scaled), policy.DeclaredFieldChanged, "Deployment staging/guestbook"},
		{"a delete", request(t, person, policy.Delete, guestbook, ""), policy.DeclaredObjectDeleted, "Deployment staging/guestbook"},
		{"a create", request(t, person, policy.Create, "", guestbook), policy.DeclaredObjectCreated, "Deployment staging/guestbook"},
		{"a scale", request(t, person, policy.Update, scale1, scale5, scaling), policy.DeclaredFieldChanged, "Deployment staging/guestbook"},
		{"an eviction", request(t, person, policy.Create, "", `{metadata: {name: guestbook-1}}`, pods, owned, func(r *policy.Request) { r.Subresource, r.Type.Group, r.Type.Kind = "eviction", "policy", "Eviction" }), policy.DerivedObjectDeleted, "Pod staging/guestbook-1"},
		{"of what comes from a declared object", request(t, person, policy.Update, pod, podPatched, pods, owned), policy.DerivedObjectChanged, "Pod staging/guestbook-1"},
		{"of what Git is silent about", request(t, person, policy.Create, "", `{}`, of("", "v1", "ConfigMap", "staging", "mine")), policy.UndeclaredObjectChanged, "ConfigMap staging/mine"},
		{"of a service account that has the right", request(t, robot, policy.Update, guestbook, scaled), policy.DeclaredFieldChanged, "Deployment staging/guestbook"},
		{"of a subresource that no rule knows", request(t, person, policy.Update, `{}`, `{}`, subresource("restart")), policy.UnknownSubresource, "Deployment staging/guestbook"},
		{"of gitonly's configuration", request(t, admin, policy.Update, `{spec: {mode: Enforce}}`, `{spec: {mode: Audit}}`, of("gitonly.dev", "v1alpha1", "GuardPolicy", "", "test")), policy.AgentLeverChanged, "GuardPolicy test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, guard(t, "test", lockdown))
			if v := policy.Decide(test.request, snapshot(t, guestbook), p); v.Outcome != policy.Deny || v.Reason != test.without {
				t.Fatalf("without an emergency: %s for %s", v.Outcome, v.Reason)
			}
			test.request.BreakGlass = around(true)
			v := policy.Decide(test.request, snapshot(t, guestbook), p)
			if v.Outcome != policy.Allow || v.Reason != policy.BreakGlassUsed || v.Emergency.Without != test.without {
				t.Errorf("%s for %s, without it %s", v.Outcome, v.Reason, v.Emergency.Without)
			}
			if want := "gitonly: " + test.object + " departs from Git" + until; v.Message != want {
				t.Errorf("\n got %s\nwant %s", v.Message, want)
			}
			test.request.BreakGlass = around(false)
			if v := policy.Decide(test.request, snapshot(t, guestbook), p); v.Outcome != policy.Deny || v.Reason != test.without {
				t.Errorf("without the right: %s for %s", v.Outcome, v.Reason)
			}
		})
	}
}

func TestANamespacesOwnEmergencyIsForEverythingInIt(t *testing.T) {
	const labelled = `{apiVersion: v1, kind: Namespace, metadata: {name: staging, labels: {app: guestbook}}}`
	v := policy.Decide(request(t, person, policy.Update, labelled, annotated(labelled, because(why)...), ofNamespace("staging"), with(glass(true, nil))), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
	want := "gitonly: the glass is broken for everything in Namespace staging until 2026-03-01T13:00:00Z. What is done meanwhile is recorded.\n" +
		"The sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation."
	if v.Reason != policy.BreakGlassOpened || v.Message != want {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
	known := around(true)
	known.Object, known.Namespace = known.Namespace, nil
	v = policy.Decide(request(t, person, policy.Update, annotated(labelled, because(why)...), labelled, ofNamespace("staging"), with(known)), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
	if want := "gitonly: the emergency of everything in Namespace staging is over: the sync agent may take back what departs from Git."; v.Message != want {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
	v = policy.Decide(request(t, person, policy.Delete, labelled, "", ofNamespace("staging"), with(glass(true, nil))), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
	if want := "\nIn an emergency, annotate Namespace staging with gitonly.dev/break-glass: \"<why>\" (you may)."; !strings.HasSuffix(v.Message, want) {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
}

func TestTheAnnotationCountsWhereverItIsWritten(t *testing.T) {
	before, after := annotated(guestbook), annotated(guestbook, because(why)...)
	for _, test := range []struct {
		name string
		edit func(*policy.Request)
		want policy.Reason
	}{
		{"with the object", func(*policy.Request) {}, policy.BreakGlassOpened},
		{"with its status", subresource("status"), policy.BreakGlassOpened},
		{"not with what stands for a number of replicas", scaling, policy.Unchanged},
		{"not with what has another kind", func(r *policy.Request) { r.Subresource, r.Type.Kind = "token", "TokenRequest" }, policy.PassiveSubresource},
	} {
		r := request(t, person, policy.Update, before, after, with(glass(true, nil)), test.edit)
		if test.want == policy.Unchanged {
			r.Object, r.OldObject = asJSON(t, strings.Replace(scale1, "{", "{metadata: {annotations: {gitonly.dev/break-glass: why}}, ", 1)), asJSON(t, scale1)
		}
		if v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", enforce))); v.Outcome != policy.Allow || v.Reason != test.want {
			t.Errorf("%s: %s for %s: %s", test.name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestEachPolicyThatGuardsAnObjectHasItsSay(t *testing.T) {
	lenient := `{mode: Enforce, breakGlass: {contact: "#lenient"}}`
	marked := annotated(guestbook, because(why)...)
	opening := request(t, person, policy.Update, guestbook, marked, with(glass(true, nil)))
	use := request(t, person, policy.Update, scale1, scale5, scaling, with(glass(true, open())))
	prolonging := request(t, person, policy.Update, marked, annotated(guestbook, because(why, "2026-03-01T15:00:00Z")...), with(glass(true, open())))
	for _, test := range []struct {
		name    string
		other   string
		request policy.Request
		want    policy.Reason
		message string // the beginning
	}{
		{"opened where the other has another pattern", "{mode: Enforce, breakGlass: {reasonPattern: '^P1 '}}", opening, policy.BreakGlassRefused, `gitonly: the glass can't be broken for Deployment staging/guestbook: the reason "INC-1234 gateway down" isn't one that GuardPolicy other takes: it must match ^P1 .`},
		{"opened where the other lets nobody", "{mode: Enforce, breakGlass: {maxDuration: 0s}}", opening, policy.BreakGlassRefused, "gitonly: the glass can't be broken for Deployment staging/guestbook: GuardPolicy other lets nobody (breakGlass.maxDuration: 0s)."},
		{"used where the other lets nobody", "{mode: Enforce, breakGlass: {maxDuration: 0s}}", use, policy.DeclaredFieldChanged, "gitonly: Deployment staging/guestbook is declared in Git"},
		{"prolonged beyond the other's maximum", "{mode: Enforce, breakGlass: {maxDuration: 1h}}", prolonging, policy.BreakGlassRefused, "gitonly: the glass can't be broken for Deployment staging/guestbook: it began at 2026-03-01T11:30:00Z and may last 1h at most: take a time until 2026-03-01T12:30:00Z."},
		{"used where both let", "{mode: Enforce}", use, policy.BreakGlassUsed, "gitonly: Deployment staging/guestbook departs from Git, as BreakGlass staging-deployment-guestbook-x permits"},
		{"used where the other is off", "{mode: 'Off', breakGlass: {maxDuration: 0s}}", use, policy.BreakGlassUsed, "gitonly: Deployment staging/guestbook departs from Git"},
		{"used where the other only warns, and lets nobody", "{mode: Audit, breakGlass: {maxDuration: 0s}}", use, policy.DeclaredFieldChanged, "gitonly: would be refused, but for Audit mode: Deployment staging/guestbook is declared in Git"},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, other := guard(t, "one", lenient), guard(t, "other", test.other)
			for _, order := range [][]v1alpha1.GuardPolicy{{one, other}, {other, one}} {
				v := policy.Decide(test.request, snapshot(t, guestbook), build(t, order...))
				if v.Reason != test.want || !strings.HasPrefix(v.Message, test.message) {
					t.Errorf("%s: %s", v.Reason, v.Message)
				}
			}
		})
	}
}

func TestWhatThereIsToDoInAnEmergency(t *testing.T) {
	const may = `gitonly.dev/break-glass: "<why>" (you may).`
	for _, test := range []struct {
		name      string
		user      policy.User
		operation policy.Operation
		known     *policy.BreakGlass
		want      string // the last line, if it isn't of Git
	}{
		{"of an object", person, policy.Update, glass(true, nil), "In an emergency, annotate it with " + may},
		{"of one that isn't there", person, policy.Create, glass(true, nil), "In an emergency, annotate Deployment staging/guestbook with " + may},
		{"after its Namespace's", person, policy.Update, around(true, over), "The emergency of Namespace staging is over since 2026-03-01T12:00:00Z. In another, annotate it with " + may},
		{"in its Namespace's without the right", person, policy.Update, around(false), "The glass is broken for Namespace staging until 2026-03-01T12:30:00Z, but it takes the verb break-glass on deployments.apps, which ann hasn't got. Ask somebody who has it."},
		{"in one while nobody can be asked", person, policy.Update, &policy.BreakGlass{Object: open(), Problem: errors.New("asking the API server whether ann may: timed out")},
			"The glass is broken for Deployment staging/guestbook until 2026-03-01T12:30:00Z, but asking the API server whether ann may: timed out. Ask somebody who has it."},
		{"while nobody can be asked", person, policy.Update, &policy.BreakGlass{Problem: errors.New("asking the API server whether ann may: timed out")},
			"In an emergency, nobody can be let depart from Git: asking the API server whether ann may: timed out."},
		{"of a service account, which reads nothing", robot, policy.Update, glass(true, nil), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			old, after := guestbook, scaled
			if test.operation == policy.Create {
				old = ""
			}
			r := request(t, test.user, test.operation, old, after)
			p := build(t, guard(t, "test", enforce))
			want := policy.Decide(r, snapshot(t, guestbook), p).Message
			if test.want != "" {
				want += "\n" + test.want
			}
			r.BreakGlass = test.known
			if diff := cmp.Diff(want, policy.Decide(r, snapshot(t, guestbook), p).Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatBecomesOfWhatCannotBeRecorded(t *testing.T) {
	problem := errors.New("creating BreakGlass x: quota exceeded")
	for _, test := range []struct {
		name    string
		verdict policy.Verdict
		want    policy.Verdict
	}{
		{"no emergency has to do with it", policy.Verdict{Outcome: policy.Allow}, policy.Verdict{Outcome: policy.Allow}},
		{"it is refused anyhow", policy.Verdict{Reason: policy.Held, Message: "held", Emergency: &policy.EmergencyUse{}}, policy.Verdict{Reason: policy.Held, Message: "held", Emergency: &policy.EmergencyUse{}}},
		{"the policy lets it through", policy.Verdict{Outcome: policy.Allow, Reason: policy.BreakGlassUsed, Message: "gitonly: used.", Emergency: &policy.EmergencyUse{Unrecorded: v1alpha1.Allow}},
			policy.Verdict{Outcome: policy.Allow, Reason: policy.BreakGlassUsed, Message: "gitonly: used.\ngitonly: but the record can't be written: creating BreakGlass x: quota exceeded.", Emergency: &policy.EmergencyUse{Unrecorded: v1alpha1.Allow}}},
		{"the policy doesn't", policy.Verdict{Outcome: policy.Allow, Policy: "test", Reason: policy.BreakGlassUsed, Message: "gitonly: used.", Emergency: &policy.EmergencyUse{Unrecorded: v1alpha1.Deny}},
			policy.Verdict{Policy: "test", Reason: policy.BreakGlassRefused, Message: "gitonly: GuardPolicy test permits nothing in an emergency that can't be recorded (breakGlass.unrecorded: Deny): creating BreakGlass x: quota exceeded.", Emergency: &policy.EmergencyUse{Unrecorded: v1alpha1.Deny}}},
	} {
		if diff := cmp.Diff(test.want, policy.Unrecorded(test.verdict, problem)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestOnlyWhatAnEmergencyMayChangeAsksForOne(t *testing.T) {
	marked := annotated(guestbook, because(why)...)
	inside := func(r *policy.Request) {
		r.Namespace = &policy.Namespace{Annotations: map[string]string{v1alpha1.BreakGlassAnnotation: why}}
	}
	record := of("gitonly.dev", "v1alpha1", "BreakGlass", "", "x")
	for _, test := range []struct {
		name    string
		request policy.Request
		want    bool
	}{
		{"a person changes nothing", request(t, person, policy.Update, guestbook, guestbook), false},
		{"a person changes nothing of what is annotated", request(t, person, policy.Update, marked, marked, inside), false},
		{"a person is refused", request(t, person, policy.Update, guestbook, scaled), true},
		{"a person sets the annotation", request(t, person, policy.Update, guestbook, marked), true},
		{"a person removes it", request(t, person, policy.Update, marked, guestbook), true},
		{"a person deletes what is annotated and Git is silent about", request(t, person, policy.Delete, marked, "", named("mine")), false},
		{"the agent writes", request(t, agent, policy.Update, guestbook, scaled), false},
		{"the agent writes what is annotated", request(t, agent, policy.Update, marked, guestbook), true},
		{"the agent writes in a Namespace that is", request(t, agent, policy.Create, "", guestbook, inside), true},
		{"the control plane works on what is annotated", request(t, controller, policy.Update, marked, guestbook, inside), false},
		{"a record is written", request(t, person, policy.Update, `{}`, `{spec: {}}`, record), false},
	} {
		v := policy.Decide(test.request, snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
		if got := policy.AsksForBreakGlass(&test.request, v); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	r := request(t, person, policy.Update, guestbook, marked)
	if policy.AsksForBreakGlass(&r, policy.Decide(r, snapshot(t, guestbook), build(t))) {
		t.Error("nobody guards it")
	}
}

func TestRecordsAreKeptAsLongAsAnyPolicySays(t *testing.T) {
	short, long := guard(t, "short", "{breakGlass: {keepRecords: 1h}}"), guard(t, "long", "{breakGlass: {keepRecords: 48h}}")
	if got := build(t, short, long).KeepRecords(); got != 48*time.Hour {
		t.Errorf("got %s", got)
	}
	if got := build(t).KeepRecords(); got < 100*365*24*time.Hour {
		t.Errorf("without a policy: %s", got)
	}
}

func TestNoEmergencyIsSeenOfAClusterWideObjectThatCannotBeRead(t *testing.T) {
	const role = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: edge}}`
	r := request(t, person, policy.Delete, role, "", of("rbac.authorization.k8s.io", "v1", "ClusterRole", "", "edge"), with(&policy.BreakGlass{Permitted: true, Unseen: errors.New("reading ClusterRole edge: forbidden")}))
	v := policy.Decide(r, snapshot(t, role), build(t, guard(t, "test", enforce)))
	want := "\nIn an emergency, nobody can be let depart from Git: whether ClusterRole edge has the annotation can't be told: reading ClusterRole edge: forbidden."
	if v.Outcome != policy.Deny || !strings.HasSuffix(v.Message, want) {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
}

func TestWhoIsTrustedAnyhowBreaksNoGlass(t *testing.T) {
	marked := annotated(guestbook, because(why)...)
	for name, r := range map[string]policy.Request{
		"the control plane": request(t, controller, policy.Update, guestbook, marked, with(glass(true, nil))),
		"the agent":         request(t, agent, policy.Update, guestbook, marked, with(glass(true, nil))),
	} {
		if v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", enforce))); v.Outcome != policy.Allow || v.Emergency != nil {
			t.Errorf("%s: %s for %s", name, v.Outcome, v.Reason)
		}
	}
	// To one policy the robot is an agent, to another it isn't.
	trusting, other := guard(t, "trusting", "{mode: Enforce, agents: {subjects: [{kind: ServiceAccount, namespace: ci, name: robot}]}}"), guard(t, "other", enforce)
	for _, order := range [][]v1alpha1.GuardPolicy{{trusting, other}, {other, trusting}} {
		v := policy.Decide(request(t, robot, policy.Update, guestbook, marked, with(glass(true, nil))), snapshot(t, guestbook), build(t, order...))
		if v.Reason != policy.BreakGlassOpened || v.Policy != "other" {
			t.Errorf("%s by %s", v.Reason, v.Policy)
		}
	}
}
