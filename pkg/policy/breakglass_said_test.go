package policy_test

import (
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/policy"
)

func TestADryRunSaysWhatWouldBe(t *testing.T) {
	dry := func(r *policy.Request) { r.DryRun = true }
	marked := annotated(guestbook, because(why)...)
	const nothing = " This is a dry run: nothing is recorded."
	for _, test := range []struct {
		name    string
		spec    string
		request policy.Request
		message string
	}{
		{"opening", enforce, request(t, person, policy.Update, guestbook, marked, with(known(nil))), "gitonly: the glass would be broken for Deployment staging/guestbook until 2026-03-01T13:00:00Z." + nothing},
		{"opening what others have to agree to", twoPeople, request(t, person, policy.Update, guestbook, marked, with(known(nil))), "gitonly: the glass would be broken for Deployment staging/guestbook until 2026-03-01T13:00:00Z " + oneMore + " Nothing is permitted before."},
		{"agreeing", twoPeople, approving(t, person, "c0de", known(open(waits))), "gitonly: ann would agree with dana: the glass would be broken for Deployment staging/guestbook until 2026-03-01T12:30:00Z." + nothing},
		{"using", enforce, request(t, person, policy.Update, scale1, scale5, scaling, with(known(open()))), "gitonly: Deployment staging/guestbook departs from Git, as BreakGlass staging-deployment-guestbook-x permits until 2026-03-01T12:30:00Z." + nothing},
		{"ending", enforce, request(t, person, policy.Update, marked, guestbook, with(known(open()))), "gitonly: the emergency of Deployment staging/guestbook would be over: the sync agent may take back what departs from Git."},
	} {
		dry(&test.request)
		v := policy.Decide(test.request, snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
		if v.Outcome != policy.Allow || v.Message != test.message {
			t.Errorf("%s: %s for %s:\n got %s\nwant %s", test.name, v.Outcome, v.Reason, v.Message, test.message)
		}
	}
}

func TestAMisspeltAnnotationIsRefused(t *testing.T) {
	const typo = "gitonly.dev/break-glass-untl"
	const want = "gitonly: gitonly.dev/break-glass-untl is no annotation of gitonly's, which are gitonly.dev/break-glass, gitonly.dev/break-glass-until, gitonly.dev/break-glass-approve."
	before := annotated(guestbook, typo, "2026-03-01T12:15:00Z")
	for _, test := range []struct {
		name    string
		request policy.Request
		refused bool
	}{
		{"with a reason", request(t, person, policy.Update, guestbook, annotated(guestbook, append(because(why), typo, "2026-03-01T12:15:00Z")...)), true},
		{"alone", request(t, person, policy.Update, guestbook, before), true},
		{"on a new object", request(t, person, policy.Create, "", annotated(guestbook, append(because(why), typo, "2026-03-01T12:15:00Z")...)), true},
		{"on what Git is silent about", request(t, person, policy.Update, guestbook, before, named("mine")), true},
		{"not where it was there", request(t, person, policy.Update, before, annotated(guestbook, append(because(why), typo, "2026-03-01T12:15:00Z")...)), false},
		{"nor when it goes", request(t, person, policy.Update, before, guestbook), false},
		{"nor of a controller that copies it", request(t, robot, policy.Create, "", before, named("mine")), false},
	} {
		p := build(t, guard(t, "test", enforce))
		if v := policy.Decide(test.request, snapshot(t, guestbook), p); test.refused && !policy.AsksForBreakGlass(&test.request, v) {
			t.Errorf("%s: nobody looks at it", test.name)
		}
		test.request.BreakGlass = known(nil)
		v := policy.Decide(test.request, snapshot(t, guestbook), p)
		if refused := v.Message == want && v.Outcome == policy.Deny; refused != test.refused {
			t.Errorf("%s: %s for %s: %s", test.name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestNobodyNeedsToBreakTheGlassForWhatGitLeavesAlone(t *testing.T) {
	const (
		labelled = `{apiVersion: v1, kind: Namespace, metadata: {name: playground, labels: {app: guestbook}}}`
		alone    = " and nobody has to break the glass for it: no emergency is recorded."
	)
	namespace := func(name string) policy.Request {
		return request(t, person, policy.Update, labelled, annotated(labelled, because(why)...), ofNamespace(name), with(glass(true, nil)))
	}
	object := request(t, person, policy.Update, guestbook, annotated(guestbook, because(why)...), named("mine"), with(glass(true, nil)))
	const lockdown = "{mode: Enforce, undeclaredObjects: {people: Deny}}"
	for _, test := range []struct {
		name    string
		request policy.Request
		spec    string
		message string // the beginning
	}{
		{"an object", object, enforce, "gitonly: Git doesn't declare Deployment staging/mine," + alone},
		{"a Namespace", namespace("playground"), enforce, "gitonly: Git declares nothing in Namespace playground," + alone},
		{"not a Namespace in which it declares something", namespace("staging"), enforce, "gitonly: the glass is broken for everything in Namespace staging"},
		{"not where a policy guards all", object, lockdown, "gitonly: the glass is broken for Deployment staging/mine"},
	} {
		v := policy.Decide(test.request, snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
		if v.Outcome != policy.Allow || !strings.HasPrefix(v.Message, test.message) || (v.Emergency == nil) != strings.HasSuffix(test.message, alone) {
			t.Errorf("%s: %s for %s: %s", test.name, v.Outcome, v.Reason, v.Message)
		}
	}
}

func TestWhoDeletesAnObjectInItsOwnEmergencyReadsThatItIsOver(t *testing.T) {
	const deleted = "gitonly: Deployment staging/guestbook departs from Git, as BreakGlass %s permits until 2026-03-01T12:30:00Z. This is recorded."
	both := glass(true, open())
	both.Namespace = around(true).Namespace
	for name, test := range map[string]struct {
		known *policy.BreakGlass
		want  string
	}{
		"both, of which the Namespace's goes on": {both, strings.Replace(deleted, "%s", "namespace-staging-x", 1)},
		"its own": {glass(true, open()), strings.Replace(deleted, "%s", "staging-deployment-guestbook-x", 1) +
			"\nThe emergency is over with it, and the sync agent may make it again. To keep an object away, annotate Namespace staging before it is deleted: gitonly.dev/break-glass."},
		"its Namespace's": {around(true), strings.Replace(deleted, "%s", "namespace-staging-x", 1)},
	} {
		v := policy.Decide(request(t, person, policy.Delete, guestbook, "", with(test.known)), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
		if v.Message != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, v.Message, test.want)
		}
	}
}
