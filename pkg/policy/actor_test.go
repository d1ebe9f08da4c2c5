package policy_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

var (
	argo     = policy.User{Name: "system:serviceaccount:argocd:argocd-application-controller"}
	deployer = policy.User{Name: "system:serviceaccount:team:deployer"}
	syncers  = policy.Agents{
		argo.Name:     {Sources: []string{"Application argocd/other"}},
		deployer.Name: {Sources: []string{"infra"}, Impersonated: true},
	}
)

func TestADiscoveredAgentIsTrustedForWhatItSyncs(t *testing.T) {
	other := `{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: staging}}`
	token := `{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: t, namespace: argocd, annotations: {kubernetes.io/service-account.name: argocd-application-controller}}}`
	guardPolicy := `{apiVersion: gitonly.dev/v1alpha1, kind: GuardPolicy, metadata: {name: workloads}, spec: {mode: "Off"}}`
	for _, test := range []struct {
		name    string
		policy  string
		agents  policy.Agents
		request policy.Request
		actor   policy.Actor
		outcome policy.Outcome
	}{
		{name: "an impersonated account brings its source's objects", request: request(t, deployer, policy.Update, guestbook, scaled),
			actor: policy.Agent, outcome: policy.Allow},
		{name: "an agent doesn't bring what only others declare", request: request(t, argo, policy.Update, guestbook, scaled),
			actor: policy.ServiceAccount, outcome: policy.Deny},
		{name: "nobody is discovered where the policy says so", policy: `{mode: Enforce, agents: {discover: false}}`,
			request: request(t, deployer, policy.Update, guestbook, scaled),
			actor:   policy.ServiceAccount, outcome: policy.Deny},
		{name: "nobody is trusted whom nobody found", agents: policy.Agents{}, request: request(t, deployer, policy.Update, guestbook, scaled),
			actor: policy.ServiceAccount, outcome: policy.Deny},
		{name: "an agent brings what the index doesn't have yet", policy: `{mode: Enforce, undeclaredObjects: {serviceAccounts: Deny}}`,
			request: request(t, argo, policy.Create, "", other, of("", "v1", "ConfigMap", "staging", "other")), actor: policy.Agent, outcome: policy.Allow},
		{name: "so does an impersonated account", policy: `{mode: Enforce, undeclaredObjects: {serviceAccounts: Deny}}`,
			request: request(t, deployer, policy.Create, "", other, of("", "v1", "ConfigMap", "staging", "other")), actor: policy.Agent, outcome: policy.Allow},
		{name: "but no token of another agent", request: request(t, deployer, policy.Create, "", token, of("", "v1", "Secret", "argocd", "t")),
			actor: policy.ServiceAccount, outcome: policy.Deny},
		{name: "which the agent itself may make", request: request(t, argo, policy.Create, "", token, of("", "v1", "Secret", "argocd", "t")), actor: policy.Agent, outcome: policy.Allow},
		{name: "an impersonated account has no say in what is guarded", request: request(t, deployer, policy.Create, "", guardPolicy, of("gitonly.dev", "v1alpha1", "GuardPolicy", "", "workloads")),
			actor: policy.ServiceAccount, outcome: policy.Deny},
		{name: "a person may not take a discovered agent's token", request: request(t, person, policy.Create, "", token, of("", "v1", "Secret", "argocd", "t")),
			actor: policy.Person, outcome: policy.Deny},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			p := build(t, guard(t, "test", test.policy))
			p.Agents = syncers
			if test.agents != nil {
				p.Agents = test.agents
			}
			verdict := policy.Decide(test.request, snapshot(t, guestbook), p)
			if verdict.Actor != test.actor {
				t.Errorf("the actor is %s, want %s", verdict.Actor, test.actor)
			}
			if verdict.Outcome != test.outcome {
				t.Errorf("%s (%s), want %s", verdict.Outcome, verdict.Reason, test.outcome)
			}
		})
	}
}

func TestAnAgentIsTrustedForWhatItsSourceDeclaresBesideAnother(t *testing.T) {
	ours, theirs := declare(t, guestbook), declare(t, guestbook)
	theirs.Origin.Source = "other"
	state := func(name string, d gitindex.Declared) gitindex.SourceState {
		location := gitindex.Location{Path: "a"}
		return gitindex.SourceState{
			Source: gitindex.Source{Name: name, Locations: []gitindex.Location{location}}, Revision: revision,
			Locations: []gitindex.LocationState{{Location: location, Revision: revision, Objects: []gitindex.Declared{d}}},
		}
	}
	snapshot := gitindex.NewSnapshot([]gitindex.SourceState{state("infra", ours), state("other", theirs)})
	p := build(t, guard(t, "test", enforce))
	p.Agents = policy.Agents{deployer.Name: {Sources: []string{"other"}, Impersonated: true}}
	verdict := policy.Decide(request(t, deployer, policy.Update, guestbook, scaled), snapshot, p)
	if verdict.Outcome != policy.Allow || verdict.Actor != policy.Agent {
		t.Errorf("%s as %s, want it allowed as the agent", verdict.Outcome, verdict.Actor)
	}
}
