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

const why = "INC-1234 gateway down"

// annotated is an object with the annotation that breaks the glass.
func annotated(object string, pairs ...string) string {
	text := `annotations: {`
	for i := 0; i < len(pairs); i += 2 {
		text += pairs[i] + `: "` + pairs[i+1] + `", `
	}
	return strings.Replace(object, "labels: {app: guestbook}", text+"}, labels: {app: guestbook}", 1)
}

func because(reason string, until ...string) []string {
	pairs := []string{v1alpha1.BreakGlassAnnotation, reason}
	if len(until) > 0 {
		pairs = append(pairs, v1alpha1.BreakGlassUntilAnnotation, until[0])
	}
	return pairs
}

var guestbookKey = gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"}

// open is an emergency of the guestbook that began half an hour ago.
func open(edits ...func(*policy.Emergency)) *policy.Emergency {
	e := &policy.Emergency{
		Name: "staging-deployment-guestbook-x", Object: guestbookKey, Reason: why, By: "dana",
		From: arrival.Add(-30 * time.Minute), Until: arrival.Add(30 * time.Minute), Hold: true,
		Changed: []policy.Changed{{Key: guestbookKey, Fields: []string{"spec.replicas"}}},
	}
	for _, edit := range edits {
		edit(e)
	}
	return e
}

func over(e *policy.Emergency)  { e.Until = arrival }
func ahead(e *policy.Emergency) { e.From = arrival.Add(5 * time.Second) }

// glass is what is known: the user's right, and the object's emergency.
func glass(permitted bool, e *policy.Emergency) *policy.BreakGlass {
	return &policy.BreakGlass{Permitted: permitted, Object: e, Resource: "deployments.apps"}
}

// repeated is what is known where the words that a request sets stand for an
// emergency already.
func repeated(e *policy.Emergency) *policy.BreakGlass {
	known := glass(true, nil)
	known.Repeated = e
	return known
}

func with(known *policy.BreakGlass) func(*policy.Request) {
	return func(r *policy.Request) { r.BreakGlass = known }
}

func TestTheGlassIsBrokenByWhoMayAndSaysWhy(t *testing.T) {
	const (
		spec    = "{mode: Enforce, breakGlass: {contact: '#on-call'}}"
		cant    = "gitonly: the glass can't be broken for Deployment staging/guestbook: "
		broken  = "gitonly: the glass is broken for Deployment staging/guestbook until "
		stays   = " What is done meanwhile is recorded.\nThe sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation."
		refused = "BreakGlassRefused"
	)
	scaled := strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1)
	for _, test := range []struct {
		name     string
		spec     string
		old, new string
		known    *policy.BreakGlass
		reason   policy.Reason
		message  string
	}{
		{"with the right and a reason", spec, guestbook, annotated(guestbook, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"and a change in the same request", spec, guestbook, annotated(scaled, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"until a time", spec, guestbook, annotated(guestbook, because(why, "2026-03-01T14:30:00+01:00")...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:30:00Z." + stays},
		{"for no longer than the policy's maximum", "{mode: Enforce, breakGlass: {maxDuration: 10m}}", guestbook, annotated(guestbook, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T12:10:00Z." + stays},
		{"with no hold", "{mode: Enforce, breakGlass: {holdAgent: false}}", guestbook, annotated(guestbook, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z. What is done meanwhile is recorded."},
		{"in Audit mode", "{mode: Audit}", guestbook, annotated(guestbook, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"by making what Git declares", spec, "", annotated(guestbook, because(why)...), glass(true, nil),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"not without the right", spec, guestbook, annotated(guestbook, because(why)...), glass(false, nil),
			refused, cant + "it takes the verb break-glass on deployments.apps, which ann hasn't got. Ask #on-call."},
		{"not while the right can't be asked for", "{mode: Enforce}", guestbook, annotated(guestbook, because(why)...),
			&policy.BreakGlass{Problem: errors.New("asking the API server whether ann may: timed out")},
			refused, cant + "asking the API server whether ann may: timed out. Ask somebody who has it."},
		{"not without the right in Audit mode", "{mode: Audit}", guestbook, annotated(guestbook, because(why)...), glass(false, nil),
			refused, "gitonly: would be refused, but for Audit mode: the glass can't be broken for Deployment staging/guestbook: it takes the verb break-glass on deployments.apps, which ann hasn't got. Ask somebody who has it."},
		{"not without a reason", spec, guestbook, annotated(guestbook, because("", "2026-03-01T13:30:00Z")...), glass(true, nil),
			refused, cant + "nobody says why: set gitonly.dev/break-glass to the reason."},
		{"not for a reason that the policy doesn't take", "{mode: Enforce, breakGlass: {reasonPattern: '^INC-[0-9]+ '}}", guestbook, annotated(guestbook, because("it hurts very much")...), glass(true, nil),
			refused, cant + `the reason "it hurts very much" isn't one that GuardPolicy test takes: it must match ^INC-[0-9]+ .`},
		{"not until some day", spec, guestbook, annotated(guestbook, because(why, "tomorrow")...), glass(true, nil),
			refused, cant + `gitonly.dev/break-glass-until says "tomorrow": write a time such as 2026-03-01T13:00:00Z.`},
		{"not until now", spec, guestbook, annotated(guestbook, because(why, "2026-03-01T12:00:00Z")...), glass(true, nil),
			refused, cant + "it would be over at 2026-03-01T12:00:00Z, and it is 2026-03-01T12:00:00Z now."},
		{"not for too long", spec, guestbook, annotated(guestbook, because(why, "2026-03-01T16:00:01Z")...), glass(true, nil),
			refused, cant + "it may last 4h at most, until 2026-03-01T16:00:00Z."},
		{"not where nobody may", "{mode: Enforce, breakGlass: {maxDuration: 0s}}", guestbook, annotated(guestbook, because(why)...), glass(true, nil),
			refused, cant + "GuardPolicy test lets nobody (breakGlass.maxDuration: 0s)."},
		{"longer than before", spec, annotated(guestbook, because(why)...), annotated(guestbook, because(why, "2026-03-01T15:30:00Z")...), glass(true, open()),
			policy.BreakGlassOpened, broken + "2026-03-01T15:30:00Z." + stays},
		{"not for too long in all", spec, annotated(guestbook, because(why)...), annotated(guestbook, because(why, "2026-03-01T15:31:00Z")...), glass(true, open()),
			refused, cant + "it began at 2026-03-01T11:30:00Z and may last 4h at most: take a time until 2026-03-01T15:30:00Z."},
		{"for another reason, not for too long in all", spec, annotated(guestbook, because(why)...), annotated(guestbook, because(why+" still")...), glass(true, open(func(e *policy.Emergency) { e.From = arrival.Add(-230 * time.Minute) })),
			policy.BreakGlassOpened, broken + "2026-03-01T12:10:00Z." + stays},
		{"not until what is no time, and says one that would do", spec, annotated(guestbook, because(why)...), annotated(guestbook, because(why, "noon")...), glass(true, open(func(e *policy.Emergency) { e.From = arrival.Add(-230 * time.Minute) })),
			refused, cant + `gitonly.dev/break-glass-until says "noon": write a time such as 2026-03-01T12:10:00Z.`},
		{"again, with the end of the last one left over", spec, annotated(guestbook, because(why, "2026-03-01T11:00:00Z")...), annotated(guestbook, because(why+" again", "2026-03-01T11:00:00Z")...), glass(true, open(over)),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"once, where the API server reviews the request again", spec, guestbook, annotated(guestbook, because(why)...), repeated(open()),
			policy.BreakGlassOpened, broken + "2026-03-01T12:30:00Z." + stays},
		{"once, and for another reason, where the API server reviews that again", spec, annotated(guestbook, because("INC-1233")...), annotated(guestbook, because(why)...), repeated(open()),
			policy.BreakGlassOpened, broken + "2026-03-01T12:30:00Z." + stays},
		{"anew, where the same words were of one that is over", spec, guestbook, annotated(guestbook, because(why)...), repeated(open(over)),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"anew, where the same words were of one that somebody ended, by a clock that is ahead", spec, guestbook, annotated(guestbook, because(why)...), repeated(open(func(e *policy.Emergency) { e.Ended = true })),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
		{"again after the last one", spec, annotated(guestbook, because(why)...), annotated(guestbook, because(why+" again")...), glass(true, open(over)),
			policy.BreakGlassOpened, broken + "2026-03-01T13:00:00Z." + stays},
	} {
		t.Run(test.name, func(t *testing.T) {
			operation := policy.Update
			if test.old == "" {
				operation = policy.Create
			}
			v := policy.Decide(request(t, person, operation, test.old, test.new, with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
			if v.Reason != test.reason {
				t.Errorf("reason %s, want %s", v.Reason, test.reason)
			}
			if diff := cmp.Diff(test.message, v.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if allowed := v.Outcome == policy.Allow; allowed != (test.reason == policy.BreakGlassOpened) {
				t.Errorf("outcome %s", v.Outcome)
			}
		})
	}
}

func TestWhatIsKnownOfEmergenciesCanBeSaidLater(t *testing.T) {
	snap, p := snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}"))
	for name, test := range map[string]struct {
		object string
		known  *policy.BreakGlass
		want   policy.Reason
	}{
		"that somebody may":        {scaled, glass(true, nil), policy.DeclaredFieldChanged},
		"that somebody may not":    {scaled, glass(false, nil), policy.DeclaredFieldChanged},
		"that the glass is broken": {scaled, glass(true, open()), policy.BreakGlassUsed},
		"that it is broken":        {annotated(guestbook, because(why)...), glass(true, nil), policy.BreakGlassOpened},
	} {
		t.Run(name, func(t *testing.T) {
			first, again := policy.Consider(request(t, person, policy.Update, guestbook, test.object), snap, p)
			if diff := cmp.Diff(policy.Decide(request(t, person, policy.Update, guestbook, test.object), snap, p), first); diff != "" {
				t.Errorf("first (-want +got):\n%s", diff)
			}
			want := policy.Decide(request(t, person, policy.Update, guestbook, test.object, with(test.known)), snap, p)
			if diff := cmp.Diff(want, again(test.known)); diff != "" || want.Reason != test.want {
				t.Errorf("reason %s, again (-want +got):\n%s", want.Reason, diff)
			}
		})
	}
}

func TestWhatWasComparedWithGitIsNotComparedAgain(t *testing.T) {
	snap, p, r := snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}")), request(t, person, policy.Update, guestbook, scaled)
	_, again := policy.Consider(r, snap, p)
	known := glass(false, nil)
	at := testing.AllocsPerRun(10, func() { again(known) })
	with(known)(&r)
	if from := testing.AllocsPerRun(10, func() { policy.Decide(r, snap, p) }); at > from/2 {
		t.Errorf("it takes %v allocations again, and %v at once", at, from)
	}
}

func TestARequestThatIsReviewedAgainOpensNoSecondEmergency(t *testing.T) {
	for _, test := range []struct {
		name  string
		known *policy.Emergency
		same  bool
	}{
		{"what it opened is that", open(), true},
		{"what is over isn't", open(over), false},
		{"what was ended isn't", open(func(e *policy.Emergency) { e.Ended = true }), false},
	} {
		v := policy.Decide(request(t, person, policy.Update, guestbook, annotated(guestbook, because(why)...), with(repeated(test.known))),
			snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}")))
		if got := v.Emergency.Emergency; (got == test.known) != test.same || !test.same && got != nil {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	v := policy.Decide(request(t, person, policy.Update, guestbook, annotated(guestbook, because(why)...), with(&policy.BreakGlass{Repeated: open()})),
		snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}")))
	if v.Reason != policy.BreakGlassRefused {
		t.Errorf("who lacks the right by now: %s", v.Reason)
	}
}

func TestAnEmergencyPermitsWhatWouldBeRefused(t *testing.T) {
	const declared = "gitonly: Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\n" +
		"This request departs from it:\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)\n" +
		"Change it there: https://git.example.com/org/infra/blob/main/apps/overlays/staging/patch-replicas.yaml#L6\n"
	const used = "gitonly: Deployment staging/guestbook departs from Git, as BreakGlass staging-deployment-guestbook-x permits until 2026-03-01T12:30:00Z. This is recorded."
	unreadable := &policy.BreakGlass{Permitted: true, Resource: "deployments.apps", Annotation: policy.Annotation{Reason: why}, Unrecorded: errors.New("no such kind")}
	for _, test := range []struct {
		name    string
		spec    string
		known   *policy.BreakGlass
		reason  policy.Reason
		message string
	}{
		{"to who may", "{mode: Enforce}", glass(true, open()), policy.BreakGlassUsed, used},
		{"opened by a clock that is ahead", "{mode: Enforce}", glass(true, open(ahead)), policy.BreakGlassUsed, used},
		{"by its Namespace's", "{mode: Enforce}", &policy.BreakGlass{Permitted: true, Namespace: open()}, policy.BreakGlassUsed, used},
		{"not to who may not", "{mode: Enforce}", glass(false, open()), policy.DeclaredFieldChanged,
			declared + "The glass is broken for Deployment staging/guestbook until 2026-03-01T12:30:00Z, but it takes the verb break-glass on deployments.apps, which ann hasn't got. Ask somebody who has it."},
		{"not when it is over", "{mode: Enforce}", glass(true, open(over)), policy.DeclaredFieldChanged,
			declared + `The emergency of Deployment staging/guestbook is over since 2026-03-01T12:00:00Z. In another, annotate it with gitonly.dev/break-glass: "<why>" (you may).`},
		{"not by an annotation that has no record", "{mode: Enforce}", &policy.BreakGlass{Permitted: true, Annotation: policy.Annotation{Reason: why}}, policy.DeclaredFieldChanged,
			declared + `The annotation gitonly.dev/break-glass that is there permits nothing: gitonly let nobody set it. In an emergency, annotate it with gitonly.dev/break-glass: "<why>" (you may).`},
		{"while records can't be read", "{mode: Enforce}", unreadable, policy.BreakGlassUsed,
			"gitonly: Deployment staging/guestbook departs from Git, as its annotation permits until 2026-03-01T13:00:00Z. This is recorded."},
		{"not while records can't be read and have to be", "{mode: Enforce, breakGlass: {unrecorded: Deny}}", unreadable, policy.DeclaredFieldChanged,
			declared + "No emergency counts while its record can't be read (breakGlass.unrecorded: Deny): no such kind."},
		{"nor seen where the object can't be read", "{mode: Enforce}", &policy.BreakGlass{Permitted: true, Unseen: errors.New("reading Deployment staging/guestbook: forbidden")}, policy.DeclaredFieldChanged,
			declared + `In an emergency, annotate Namespace staging with gitonly.dev/break-glass: "<why>": whether Deployment staging/guestbook has the annotation can't be told: reading Deployment staging/guestbook: forbidden.`},
		{"and says who can, where there is none", "{mode: Enforce}", glass(false, nil), policy.DeclaredFieldChanged,
			declared + "In an emergency, somebody with the verb break-glass on deployments.apps can let this pass."},
		{"and whom to ask", "{mode: Enforce, breakGlass: {contact: '#on-call'}}", glass(false, nil), policy.DeclaredFieldChanged,
			declared + "In an emergency, ask #on-call: it takes the verb break-glass on deployments.apps."},
		{"and nothing where nobody may", "{mode: Enforce, breakGlass: {maxDuration: 0s}}", glass(true, nil), policy.DeclaredFieldChanged, strings.TrimSuffix(declared, "\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			scale := request(t, person, policy.Update, "{spec: {replicas: 1}}", "{spec: {replicas: 5}}", scaling, with(test.known))
			v := policy.Decide(scale, snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
			if v.Reason != test.reason {
				t.Errorf("reason %s, want %s", v.Reason, test.reason)
			}
			if diff := cmp.Diff(test.message, v.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if v.Reason == policy.BreakGlassUsed && v.Emergency.Without != policy.DeclaredFieldChanged {
				t.Errorf("without it: %q", v.Emergency.Without)
			}
		})
	}
}

func TestAnEmergencyCountsAlsoWhereNothingCanBeDecided(t *testing.T) {
	r := request(t, person, policy.Delete, annotated(guestbook, because(why)...), "", with(glass(true, open())))
	v := policy.Decide(r, nil, build(t, guard(t, "test", "{mode: Enforce, undecidable: Deny}")))
	if v.Outcome != policy.Allow || v.Reason != policy.BreakGlassUsed || v.Emergency.Without != policy.Undecidable {
		t.Errorf("%s %s: %s", v.Outcome, v.Reason, v.Message)
	}
}

func TestNoEmergencyPermitsToActAsTheAgent(t *testing.T) {
	r := request(t, person, policy.Create, "", `{apiVersion: authentication.k8s.io/v1, kind: TokenRequest}`, with(glass(true, open())), func(r *policy.Request) {
		r.Key = gitindex.Key{Kind: "ServiceAccount", Namespace: "flux-system", Name: "kustomize-controller"}
		r.Subresource = "token"
	})
	if v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}"))); v.Outcome != policy.Deny || v.Reason != policy.TrustedIdentityTaken || v.Message != asAgent {
		t.Errorf("%s %s: %s", v.Outcome, v.Reason, v.Message)
	}
}

func TestOnlyGitonlyWritesRecords(t *testing.T) {
	for _, test := range []struct {
		user policy.User
		want policy.Outcome
	}{{robot, policy.Allow}, {person, policy.Deny}, {admin, policy.Deny}, {agent, policy.Deny}} {
		p := build(t, guard(t, "test", "{mode: Enforce}"))
		p.Self = robot.Name
		r := request(t, test.user, policy.Create, "", "{kind: BreakGlass}", with(glass(true, open())), func(r *policy.Request) {
			r.Key = gitindex.Key{Group: "gitonly.dev", Kind: "BreakGlass", Name: "forged"}
		})
		if v := policy.Decide(r, snapshot(t, guestbook), p); v.Outcome != test.want {
			t.Errorf("%s: %s %s", test.user.Name, v.Outcome, v.Reason)
		}
	}
}

func TestNobodyWritesRecordsBeforeGitonlyKnowsItsName(t *testing.T) {
	r := request(t, policy.User{}, policy.Create, "", "{kind: BreakGlass}", of("gitonly.dev", "v1alpha1", "BreakGlass", "", "forged"), with(glass(true, nil)))
	v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
	if want := "gitonly: BreakGlass forged is the record of an emergency, which gitonly alone writes."; v.Outcome != policy.Deny || v.Message != want {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
}

func TestEndingTakesTheRight(t *testing.T) {
	before := annotated(guestbook, because(why, "2026-03-01T12:30:00Z")...)
	onlyUntil := annotated(guestbook, v1alpha1.BreakGlassUntilAnnotation, "2026-03-01T12:30:00Z")
	for _, test := range []struct {
		name    string
		after   string
		known   *policy.BreakGlass
		reason  policy.Reason
		message string
	}{
		{"with it, its time may stay", onlyUntil, glass(true, open()), policy.BreakGlassEnded, "gitonly: the emergency of Deployment staging/guestbook is over: the sync agent may take back what departs from Git."},
		{"the time of one that is over may go alone", annotated(guestbook, because(why)...), glass(true, open(over)), policy.Unchanged, ""},
		{"with it", guestbook, glass(true, open()), policy.BreakGlassEnded, "gitonly: the emergency of Deployment staging/guestbook is over: the sync agent may take back what departs from Git."},
		{"without it", guestbook, glass(false, open()), policy.BreakGlassRefused,
			"gitonly: the emergency of Deployment staging/guestbook can't be ended: it takes the verb break-glass on deployments.apps, which ann hasn't got. Ask somebody who has it."},
		{"of one that is over anybody tidies up", guestbook, glass(false, open(over)), policy.Unchanged, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(request(t, person, policy.Update, before, test.after, with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce}")))
			if v.Reason != test.reason || v.Message != test.message {
				t.Errorf("%s: %s", v.Reason, v.Message)
			}
		})
	}
}

func TestOfSeveralPoliciesTheStrictestTermsHold(t *testing.T) {
	short := guard(t, "short", "{mode: Enforce, breakGlass: {defaultDuration: 5m, holdAgent: false}}")
	strict := guard(t, "strict", "{mode: Enforce, breakGlass: {unrecorded: Deny}}")
	for _, order := range [][]v1alpha1.GuardPolicy{{short, strict}, {strict, short}} {
		v := policy.Decide(request(t, person, policy.Update, guestbook, annotated(guestbook, because(why)...), with(glass(true, nil))), snapshot(t, guestbook), build(t, order...))
		if v.Reason != policy.BreakGlassOpened {
			t.Fatalf("%s: %s", v.Reason, v.Message)
		}
		want := policy.EmergencyUse{Terms: &policy.Terms{Reason: why, Until: arrival.Add(5 * time.Minute), Hold: true}, Unrecorded: v1alpha1.Deny}
		if diff := cmp.Diff(want, *v.Emergency); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.Contains(v.Message, "until 2026-03-01T12:05:00Z") {
			t.Errorf("message: %s", v.Message)
		}
	}
}
