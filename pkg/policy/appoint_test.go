package policy_test

import (
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

func TestNobodyMakesAnAccountAnAgent(t *testing.T) {
	const controller = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: c, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd, app.kubernetes.io/component: application-controller}}, spec: {template: {spec: {serviceAccountName: argocd-application-controller}}}}`
	mine := strings.Replace(controller, "serviceAccountName: argocd-application-controller", "serviceAccountName: mine", 1)
	unmarked := strings.Replace(mine, "part-of: argocd", "part-of: shop", 1)
	larger := strings.Replace(mine, "spec: {template", "spec: {replicas: 2, template", 1)
	refused := "gitonly: this would make ServiceAccount argocd/mine a sync agent, which GuardPolicy test trusts. Change StatefulSet argocd/c in Git."
	is := of("apps", "v1", "StatefulSet", "argocd", "c")
	for _, test := range []struct {
		name    string
		policy  string
		objects []string
		nothing bool // was loaded yet
		request policy.Request
		reason  policy.Reason
		message string
	}{
		{name: "by another account in the agent's workload", request: request(t, admin, policy.Update, controller, mine, is), reason: policy.TrustedIdentityTaken, message: refused},
		{name: "neither does a service account", request: request(t, robot, policy.Update, controller, mine, is), reason: policy.TrustedIdentityTaken, message: refused},
		{name: "by a workload of their own", request: request(t, person, policy.Create, "", mine, is), reason: policy.TrustedIdentityTaken, message: refused},
		{name: "by labels on one", request: request(t, person, policy.Update, unmarked, mine, is), reason: policy.TrustedIdentityTaken, message: refused},
		{name: "also where the policy guards other kinds", policy: `{mode: Enforce, match: {resources: [{kinds: [ConfigMap]}]}}`,
			request: request(t, admin, policy.Update, controller, mine, is), reason: policy.TrustedIdentityTaken, message: refused},
		{name: "in Audit mode, too", policy: `{mode: Audit}`, request: request(t, admin, policy.Update, controller, mine, is), reason: policy.TrustedIdentityTaken,
			message: strings.Replace(refused, "gitonly: ", "gitonly: would be refused, but for Audit mode: StatefulSet argocd/c: ", 1)},
		{name: "a change that appoints nobody is free", request: request(t, admin, policy.Update, mine, larger, is), reason: policy.UndeclaredObjectChanged},
		{name: "so is another workload of the agent's", request: request(t, admin, policy.Create, "", strings.Replace(mine, "component: application-controller", "component: server", 1), is), reason: policy.UndeclaredObjectChanged},
		{name: "so is any workload that discovery doesn't look at", request: request(t, person, policy.Create, "", unmarked, is), reason: policy.UndeclaredObjectChanged},
		{name: "and all where nobody is discovered", policy: `{mode: Enforce, agents: {discover: false}}`,
			request: request(t, admin, policy.Update, controller, mine, is), reason: policy.UndeclaredObjectChanged},
		{name: "and the first installation", nothing: true, request: request(t, admin, policy.Create, "", mine, is), reason: policy.Undecidable,
			message: "gitonly: can't decide on StatefulSet argocd/c: no source in Git has been loaded yet.\nGuardPolicy test lets it through."},
		{name: "the agent itself may", request: request(t, agent, policy.Update, controller, mine, is), reason: policy.AgentActor},
		{name: "what Git declares is judged by its fields", objects: []string{controller}, request: request(t, admin, policy.Update, controller, mine, is), reason: policy.DeclaredFieldChanged,
			message: "gitonly: StatefulSet argocd/c is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\nThis request departs from it:\n" +
				`  spec.template.spec.serviceAccountName: Git says "argocd-application-controller", the request says "mine"   (apps/base/guestbook/deployment.yaml)` + "\nChange it there: " + page},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			var snap *gitindex.Snapshot
			if !test.nothing {
				snap = snapshot(t, append([]string{guestbook}, test.objects...)...)
			}
			v := policy.Decide(test.request, snap, build(t, guard(t, "test", test.policy)))
			if v.Reason != test.reason || v.Message != test.message {
				t.Errorf("%s for %s: %s", v.Outcome, v.Reason, v.Message)
			}
		})
	}
}

// TestAnotherSpellingIsReadToo: JSON may spell a label's letters as numbers, in a
// review that comes from elsewhere than an API server.
func TestAnotherSpellingIsReadToo(t *testing.T) {
	const mine = `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"c","namespace":"argocd","labels":{"app.kubernetes.io/part-of":"argocd","app.kubernetes.io/component":"application-controller"}},"spec":{"template":{"spec":{"serviceAccountName":"mine"}}}}`
	p := build(t, guard(t, "test", enforce))
	for _, spelt := range []string{"app.kubernetes.io/part-of", `app.kubernetes.io/p\u0061rt-of`, `app.kubernetes.io\/part-of`, "App.Kubernetes.io/Part-Of"} {
		r := request(t, person, policy.Create, "", "{}", of("apps", "v1", "StatefulSet", "argocd", "c"))
		r.Object = []byte(strings.Replace(mine, "app.kubernetes.io/part-of", spelt, 1))
		if v := policy.Decide(r, snapshot(t, guestbook), p); v.Outcome != policy.Deny || v.Reason != policy.TrustedIdentityTaken {
			t.Errorf("spelt %s: %s for %s: %s", spelt, v.Outcome, v.Reason, v.Message)
		}
	}
}
