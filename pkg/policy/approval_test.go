package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
)

const (
	twoPeople = "{mode: Enforce, breakGlass: {approvers: 1}}"
	toAgree   = "\nTo agree: kubectl annotate deployment/guestbook -n staging --overwrite gitonly.dev/break-glass-approve="
	oneMore   = "as soon as 1 other person with the verb approve-break-glass agrees."
)

// waits is an emergency that dana asked for, and that others have to agree to.
func waits(e *policy.Emergency) {
	e.AskedBy, e.Approvers, e.Code, e.Changed = "dana", 1, "c0de", nil
}

func agreed(users ...string) func(*policy.Emergency) {
	return func(e *policy.Emergency) { e.Approvals = users }
}

// approving is an update by which a user agrees, of an object that says why.
func approving(t *testing.T, user policy.User, words string, known *policy.BreakGlass, edits ...func(*policy.Request)) policy.Request {
	t.Helper()
	marked := because(why)
	return request(t, user, policy.Update, annotated(guestbook, marked...), annotated(guestbook, append(marked, v1alpha1.BreakGlassApproveAnnotation, words)...), append(edits, with(known))...)
}

func known(e *policy.Emergency) *policy.BreakGlass {
	return &policy.BreakGlass{Object: e, MayApprove: true, Permitted: true, Resource: "deployments.apps", Code: "new1"}
}

func TestWhoeverBreaksTheGlassReadsHowOthersAgree(t *testing.T) {
	const broken = "gitonly: the glass is broken for Deployment staging/guestbook until "
	const before = " Nothing is permitted before."
	marked := annotated(guestbook, because(why)...)
	for _, test := range []struct {
		name     string
		spec     string
		old, new string
		known    *policy.BreakGlass
		message  string
	}{
		{"one other", twoPeople, guestbook, marked, known(nil), broken + "2026-03-01T13:00:00Z " + oneMore + before + toAgree + "new1"},
		{"two others", "{mode: Enforce, breakGlass: {approvers: 2}}", guestbook, marked, known(nil),
			broken + "2026-03-01T13:00:00Z as soon as 2 other people with the verb approve-break-glass agree." + before + toAgree + "new1"},
		{"again for another reason", twoPeople, marked, annotated(guestbook, because(why+" still")...), known(open(waits, agreed("erin"))),
			broken + "2026-03-01T13:00:00Z " + oneMore + before + " The sync agent is kept until 2026-03-01T12:30:00Z from taking back what was changed so far." + toAgree + "new1"},
		{"again for longer", twoPeople, marked, annotated(guestbook, because(why, "2026-03-01T12:45:00Z")...), known(open(waits, agreed("erin"))),
			broken + "2026-03-01T12:45:00Z " + oneMore + before + " The sync agent is kept until 2026-03-01T12:30:00Z from taking back what was changed so far." + toAgree + "new1"},
		{"again for another reason, and not longer", twoPeople, marked, annotated(guestbook, because(why+" still", "2026-03-01T12:15:00Z")...), known(open(waits, agreed("erin"))),
			broken + "2026-03-01T12:15:00Z " + oneMore + before + " The sync agent is kept until 2026-03-01T12:15:00Z from taking back what was changed so far." + toAgree + "new1"},
		{"again, where nobody has agreed yet", twoPeople, marked, annotated(guestbook, because(why+" still")...), known(open(waits)),
			broken + "2026-03-01T13:00:00Z " + oneMore + before + toAgree + "new1"},
		{"not again for a shorter time", twoPeople, marked, annotated(guestbook, because(why, "2026-03-01T12:15:00Z")...), known(open(waits, agreed("erin"))),
			broken + "2026-03-01T12:15:00Z. What is done meanwhile is recorded.\nThe sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation."},
		{"still, where it gets shorter meanwhile", twoPeople, marked, annotated(guestbook, because(why, "2026-03-01T12:15:00Z")...), known(open(waits)),
			broken + "2026-03-01T12:15:00Z " + oneMore + before + toAgree + "c0de"},
		{"also where the policy asks for none by now", enforce, marked, annotated(guestbook, because(why, "2026-03-01T12:45:00Z")...), known(open(waits)),
			broken + "2026-03-01T12:45:00Z " + oneMore + before + toAgree + "new1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(request(t, person, policy.Update, test.old, test.new, with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
			if diff := cmp.Diff(test.message, v.Message); diff != "" || v.Outcome != policy.Allow || v.Reason != policy.BreakGlassOpened {
				t.Errorf("%s for %s, message (-want +got):\n%s", v.Outcome, v.Reason, diff)
			}
		})
	}
}

func TestSomebodyElseAgreesOnce(t *testing.T) {
	const (
		broken  = "the glass is broken for Deployment staging/guestbook until 2026-03-01T12:30:00Z"
		refused = "gitonly: ann can't agree to an emergency of Deployment staging/guestbook: "
	)
	three := func(e *policy.Emergency) { e.Approvers = 2 }
	erins := func(e *policy.Emergency) { e.AskedBy = "ann" }
	anns := func(e *policy.Emergency) { e.By = "ann" }
	mayNot := known(open(waits))
	mayNot.MayApprove = false
	unasked := known(open(waits))
	unasked.Problem = errors.New("asking the API server whether ann may: timed out")
	unread := known(nil)
	unread.Unrecorded = errors.New("listing BreakGlasses: timed out")
	for _, test := range []struct {
		name    string
		user    policy.User
		words   string
		known   *policy.BreakGlass
		refused bool
		message string
	}{
		{"by the code", person, "c0de", known(open(waits)), false, "gitonly: ann agreed with dana: " + broken + ". What is done meanwhile is recorded."},
		{"with more after it", person, "c0de-2", known(open(waits)), false, "gitonly: ann agreed with dana: " + broken + ". What is done meanwhile is recorded."},
		{"without the right to break the glass", person, "c0de", &policy.BreakGlass{Object: open(waits), MayApprove: true}, false, "gitonly: ann agreed with dana: " + broken + ". What is done meanwhile is recorded."},
		{"and another has to", person, "c0de", known(open(waits, three)), false, "gitonly: ann agreed with dana: " + broken + " " + oneMore + toAgree + "c0de-2"},
		{"after another", person, "c0de-2", known(open(waits, three, agreed("erin"))), false, "gitonly: ann agreed with dana: " + broken + ". What is done meanwhile is recorded."},
		{"where enough have", person, "c0de-2", known(open(waits, agreed("erin"))), false, "gitonly: ann agreed with dana: " + broken + ". What is done meanwhile is recorded."},
		{"not who opened it", person, "c0de", known(open(waits, anns)), true, refused + "ann asked for it, and it takes somebody else."},
		{"not who asked for its terms", person, "c0de", known(open(waits, erins)), true, refused + "ann asked for it, and it takes somebody else."},
		{"not twice", person, "c0de-2", known(open(waits, three, agreed("ann"))), true, refused + "ann has agreed already."},
		{"not without the right", person, "c0de", mayNot, true, refused + "it takes the verb approve-break-glass on deployments.apps, which ann hasn't got."},
		{"not while the right can't be asked for", person, "c0de", unasked, true, refused + "asking the API server whether ann may: timed out."},
		{"not by other words", person, "yes", known(open(waits)), true, refused + `"yes" isn't its code; dana asks for it until 2026-03-01T12:30:00Z, and says why: INC-1234 gateway down, and its code is c0de.`},
		{"not by the code of the last one", person, "0ld", known(open(waits)), true, refused + `"0ld" isn't its code; dana asks for it until 2026-03-01T12:30:00Z, and says why: INC-1234 gateway down, and its code is c0de.`},
		{"not a service account", robot, "c0de", known(open(waits)), true, strings.Replace(refused, "ann", robot.Name, 1) + "that is for people, and no service account's to do."},
		{"not where there is none", person, "c0de", known(nil), true, refused + "there is none."},
		{"not when it is over", person, "c0de", known(open(waits, over)), true, refused + "there is none."},
		{"not while its record can't be read", person, "c0de", unread, true, refused + "its record can't be read: listing BreakGlasses: timed out."},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(approving(t, test.user, test.words, test.known), snapshot(t, guestbook), build(t, guard(t, "test", twoPeople)))
			reason, outcome := policy.BreakGlassApproved, policy.Allow
			if test.refused {
				reason, outcome = policy.BreakGlassRefused, policy.Deny
			}
			if diff := cmp.Diff(test.message, v.Message); diff != "" || v.Outcome != outcome || v.Reason != reason {
				t.Errorf("%s for %s, message (-want +got):\n%s", v.Outcome, v.Reason, diff)
			}
		})
	}
}

func TestSomebodyAgreesWhileNothingIsKnownOfGit(t *testing.T) {
	both := annotated(scaled, append(because(why), v1alpha1.BreakGlassApproveAnnotation, "c0de")...)
	for name, test := range map[string]struct {
		request policy.Request
		want    policy.Reason
	}{
		"and changes nothing": {approving(t, person, "c0de", known(open(waits))), policy.BreakGlassApproved},
		"and changes more":    {request(t, person, policy.Update, annotated(guestbook, because(why)...), both, with(known(open(waits)))), policy.Undecidable},
	} {
		v := policy.Decide(test.request, nil, build(t, guard(t, "test", "{mode: Enforce, undecidable: Deny, breakGlass: {approvers: 1}}")))
		if v.Reason != test.want || (v.Outcome == policy.Allow) != (test.want == policy.BreakGlassApproved) {
			t.Errorf("%s: %s for %s: %s", name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestSomebodyAgreesToANamespacesEmergency(t *testing.T) {
	const labelled = `{apiVersion: v1, kind: Namespace, metadata: {name: staging, labels: {app: guestbook}}}`
	namespaces := known(around(true, waits, func(e *policy.Emergency) { e.Approvers = 2 }).Namespace)
	r := request(t, person, policy.Update, annotated(labelled, because(why)...), annotated(labelled, append(because(why), v1alpha1.BreakGlassApproveAnnotation, "c0de")...), ofNamespace("staging"), with(namespaces))
	v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", twoPeople)))
	want := "gitonly: ann agreed with dana: the glass is broken for everything in Namespace staging until 2026-03-01T12:30:00Z " + oneMore +
		"\nTo agree: kubectl annotate namespace/staging --overwrite gitonly.dev/break-glass-approve=c0de-2"
	if v.Reason != policy.BreakGlassApproved || v.Message != want {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
}

func TestNobodyAgreesAndAsksAtOnce(t *testing.T) {
	const approve = v1alpha1.BreakGlassApproveAnnotation
	for name, test := range map[string]struct{ old, new string }{
		"opening":  {guestbook, annotated(guestbook, append(because(why), approve, "c0de")...)},
		"changing": {annotated(guestbook, because(why)...), annotated(scaled, append(because(why+" still"), approve, "c0de")...)},
		"ending":   {annotated(guestbook, because(why)...), annotated(guestbook, approve, "c0de")},
	} {
		v := policy.Decide(request(t, person, policy.Update, test.old, test.new, with(known(open(waits)))), snapshot(t, guestbook), build(t, guard(t, "test", twoPeople)))
		want := "gitonly: ann can't agree to an emergency of Deployment staging/guestbook: the request changes its terms, too: agree by a request of its own."
		if v.Outcome != policy.Deny || v.Message != want {
			t.Errorf("%s: %s for %s: %s", name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestWhatAgreesToNothing(t *testing.T) {
	const approve = v1alpha1.BreakGlassApproveAnnotation
	marked, both := annotated(guestbook, because(why)...), annotated(guestbook, append(because(why), approve, "c0de")...)
	for _, test := range []struct {
		name    string
		request policy.Request
		reason  policy.Reason
		message string
	}{
		{"taking the annotation away", request(t, person, policy.Update, both, marked), policy.Unchanged, ""},
		{"the agent's write", request(t, agent, policy.Update, marked, both), policy.AgentActor, ""},
		{"what was copied to a new object", request(t, person, policy.Create, "", annotated(guestbook, approve, "c0de")), policy.DeclaredObjectCreated, ""},
		{"the same words again", request(t, person, policy.Update, both, both), policy.Unchanged,
			"gitonly: this changes nothing, and agrees to nothing. The emergency of Deployment staging/guestbook permits nothing until 1 other person with the verb approve-break-glass agrees; dana asks for it until 2026-03-01T12:30:00Z, and says why: INC-1234 gateway down." + toAgree + "c0de"},
		{"a change of something else with it", request(t, person, policy.Update, marked, annotated(scaled, append(because(why), approve, "c0de")...)), policy.DeclaredFieldChanged, ""},
	} {
		test.request.BreakGlass = known(open(waits))
		v := policy.Decide(test.request, snapshot(t, guestbook), build(t, guard(t, "test", twoPeople)))
		if v.Reason != test.reason || v.Outcome == policy.Allow && v.Message != test.message {
			t.Errorf("%s: %s for %s: %s", test.name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestNothingIsPermittedBeforeOthersAgree(t *testing.T) {
	const waiting = "\nThe emergency of Deployment staging/guestbook permits nothing until 1 other person with the verb approve-break-glass agrees; dana asks for it until 2026-03-01T12:30:00Z, and says why: INC-1234 gateway down." + toAgree
	unread := &policy.BreakGlass{Permitted: true, Annotation: policy.Annotation{Reason: why}, Unrecorded: errors.New("no such kind")}
	inside := known(nil)
	inside.Namespace = around(true, waits, agreed("erin")).Namespace
	outside := known(open(waits))
	outside.Namespace = inside.Namespace
	for _, test := range []struct {
		name    string
		spec    string
		known   *policy.BreakGlass
		permits bool
		message string // the end
	}{
		{"nobody did", twoPeople, known(open(waits)), false, waiting + "c0de"},
		{"one of two did", "{mode: Enforce, breakGlass: {approvers: 2}}", known(open(waits, agreed("erin"))), false, waiting + "c0de-2"},
		{"nobody did, and the policy asks for none by now", enforce, known(open(waits)), false, waiting + "c0de"},
		{"it was opened where nobody has to", twoPeople, known(open(func(e *policy.Emergency) { e.AskedBy, e.Code = "dana", "c0de" })), false, waiting + "c0de"},
		{"one did", twoPeople, known(open(waits, agreed("erin"))), true, ""},
		{"one did for the Namespace", twoPeople, inside, true, ""},
		{"one did for the Namespace, and none for the object", twoPeople, outside, true, ""},
		{"it can't be read whether somebody did", twoPeople, unread, false, "\nNo emergency counts while its record can't be read (breakGlass.approvers: 1): no such kind."},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(request(t, person, policy.Update, scale1, scale5, scaling, with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
			if permits := v.Outcome == policy.Allow; permits != test.permits || !strings.HasSuffix(v.Message, test.message) {
				t.Errorf("%s for %s: %s", v.Outcome, v.Reason, v.Message)
			}
			if !test.permits && v.Reason != policy.DeclaredFieldChanged {
				t.Errorf("reason %s", v.Reason)
			}
		})
	}
}

func TestNothingIsDoneByTheWayBeforeOthersAgree(t *testing.T) {
	const cant = "gitonly: the glass can't be broken for Deployment staging/guestbook by "
	const alone = "a request that departs from Git, before others agree: change the annotation alone."
	marked := annotated(guestbook, because(why)...)
	opens := func(operation policy.Operation, old, new string, e *policy.Emergency) policy.Request {
		return request(t, person, operation, old, new, with(known(e)))
	}
	for _, test := range []struct {
		name    string
		request policy.Request
		refused string // empty if it passes
	}{
		{"opening", opens(policy.Update, guestbook, annotated(scaled, because(why)...), nil), cant + alone},
		{"making the object", opens(policy.Create, "", marked, nil), cant + "making it, before others agree: annotate Namespace staging."},
		{"changing the reason", opens(policy.Update, marked, annotated(scaled, because(why+" still")...), open(waits, agreed("erin"))), cant + alone},
		{"shortening it", opens(policy.Update, marked, annotated(scaled, because(why, "2026-03-01T12:15:00Z")...), open(waits)), cant + alone},
		{"ending it", opens(policy.Update, marked, scaled, open(waits)), "gitonly: the emergency of Deployment staging/guestbook can't be ended by " + alone},
		{"shortening what they agreed to", opens(policy.Update, marked, annotated(scaled, because(why, "2026-03-01T12:15:00Z")...), open(waits, agreed("erin"))), ""},
		{"ending what they agreed to", opens(policy.Update, marked, scaled, open(waits, agreed("erin"))), ""},
	} {
		v := policy.Decide(test.request, snapshot(t, guestbook), build(t, guard(t, "test", twoPeople)))
		if test.refused == "" && v.Outcome == policy.Allow {
			continue
		}
		if v.Outcome != policy.Deny || v.Reason != policy.BreakGlassRefused || v.Message != test.refused {
			t.Errorf("%s: %s for %s:\n got %s\nwant %s", test.name, v.Outcome, v.Reason, v.Message, test.refused)
		}
	}
	// While nothing is known of Git the annotation alone departs from nothing.
	v := policy.Decide(opens(policy.Update, guestbook, marked, nil), nil, build(t, guard(t, "test", "{mode: Enforce, undecidable: Deny, breakGlass: {approvers: 1}}")))
	if v.Outcome != policy.Allow || v.Reason != policy.BreakGlassOpened {
		t.Errorf("%s for %s: %s", v.Outcome, v.Reason, v.Message)
	}
}

func TestNothingHoldsTheAgentBeforeOthersAgree(t *testing.T) {
	changed := func(e *policy.Emergency) { e.Changed = open().Changed }
	anew := func(until time.Duration) func(*policy.Emergency) {
		return func(e *policy.Emergency) { e.HeldUntil = arrival.Add(until) }
	}
	for _, test := range []struct {
		name  string
		known *policy.BreakGlass
		until string // of the hold; empty if there is none
	}{
		{"nobody did", known(open(waits, changed)), ""},
		{"one did", known(open(waits, changed, agreed("erin"))), "2026-03-01T12:30:00Z"},
		{"it was longer, and they have to agree anew", known(open(waits, changed, anew(time.Minute))), "2026-03-01T12:01:00Z"},
		{"it was longer, and is shorter by now", known(open(waits, changed, anew(time.Hour))), "2026-03-01T12:30:00Z"},
		{"what they agreed to is over", known(open(waits, changed, anew(0))), ""},
	} {
		v := policy.Decide(request(t, agent, policy.Update, scale5, scale1, scaling, with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", "{mode: Enforce, breakGlass: {approvers: 1}, agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}}")))
		held := v.Reason == policy.Held
		if held != (test.until != "") || held && !strings.Contains(v.Message, "Deployment staging/guestbook is held until "+test.until) {
			t.Errorf("%s: %s for %s: %s", test.name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestThePolicyWithTheMostApproversCounts(t *testing.T) {
	one, three := guard(t, "one", twoPeople), guard(t, "three", "{mode: Enforce, breakGlass: {approvers: 3}}")
	for _, order := range [][]v1alpha1.GuardPolicy{{one, three}, {three, one}} {
		p := build(t, order...)
		v := policy.Decide(request(t, person, policy.Update, guestbook, annotated(guestbook, because(why)...), with(known(nil))), snapshot(t, guestbook), p)
		if v.Emergency == nil || v.Emergency.Terms.Approvers != 3 || v.Emergency.Approvers != 3 || v.Emergency.Unrecorded != v1alpha1.Deny || !strings.Contains(v.Message, "as soon as 3 other people") {
			t.Errorf("opened: %+v: %s", v.Emergency, v.Message)
		}
		v = policy.Decide(approving(t, person, "c0de", known(open(waits))), snapshot(t, guestbook), p)
		if !strings.Contains(v.Message, "as soon as 2 other people") {
			t.Errorf("agreed: %s", v.Message)
		}
		v = policy.Decide(request(t, person, policy.Update, scale1, scale5, scaling, with(known(open(waits, agreed("erin"))))), snapshot(t, guestbook), p)
		if v.Outcome != policy.Deny || !strings.Contains(v.Message, "until 2 other people") {
			t.Errorf("used: %s: %s", v.Outcome, v.Message)
		}
	}
}
