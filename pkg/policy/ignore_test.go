package policy_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func TestIgnoredFieldsByKindAndActor(t *testing.T) {
	for _, test := range []struct {
		name    string
		ignored string // an item of ignoreFields
		user    policy.User
		reason  policy.Reason
	}{
		{"for everybody", `{paths: [spec.replicas]}`, person, policy.IgnoredFieldChanged},
		{"of this kind", `{kinds: [Deployment], paths: [spec.replicas]}`, person, policy.IgnoredFieldChanged},
		{"of another kind", `{kinds: [StatefulSet], paths: [spec.replicas]}`, person, policy.DeclaredFieldChanged},
		{"of another group", `{apiGroups: [example.com], paths: [spec.replicas]}`, person, policy.DeclaredFieldChanged},
		{"for service accounts, by a person", `{actors: [ServiceAccount], paths: [spec.replicas]}`, person, policy.DeclaredFieldChanged},
		{"for service accounts, by one", `{actors: [ServiceAccount], paths: [spec.replicas]}`, robot, policy.IgnoredFieldChanged},
		{"for one service account, by it", `{paths: [spec.replicas], subjects: [{kind: ServiceAccount, namespace: ci, name: robot}]}`, robot, policy.IgnoredFieldChanged},
		{"for one service account, by another", `{paths: [spec.replicas], subjects: [{kind: ServiceAccount, namespace: keda, name: keda}]}`, robot, policy.DeclaredFieldChanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, guard(t, "test", `{mode: Enforce, ignoreFields: [`+test.ignored+`]}`))
			for name, r := range map[string]policy.Request{
				"update": request(t, test.user, policy.Update, guestbook, scaled),
				"scale":  request(t, test.user, policy.Update, scale1, scale5, scaling),
			} {
				if v := policy.Decide(r, snapshot(t, guestbook), p); v.Reason != test.reason {
					t.Errorf("%s: %s for %s", name, v.Outcome, v.Reason)
				}
			}
		})
	}
}

func TestAnIgnoredFieldIsIgnoredByItsPolicyAlone(t *testing.T) {
	p := build(t, guard(t, "ignores", `{mode: Enforce, ignoreFields: [{paths: [spec.replicas]}]}`), guard(t, "minds", enforce))
	if v := policy.Decide(request(t, person, policy.Update, guestbook, scaled), snapshot(t, guestbook), p); v.Outcome != policy.Deny || v.Policy != "minds" {
		t.Errorf("%s by %s", v.Outcome, v.Policy)
	}
}

func TestAPathThatNamesNoFieldIsNoPolicy(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	_, err = policy.New([]v1alpha1.GuardPolicy{guard(t, "test", `{ignoreFields: [{paths: [spec.replicas, "spec["]}]}`)}, types)
	want := `GuardPolicy test: spec.ignoreFields[0].paths[1]: "spec[" is no field path: [ is no selector such as [name=web] or [*]`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOnlyFinalizersOfWhatIsGoingAway(t *testing.T) {
	const (
		going   = `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [a, b]}, spec: {replicas: 1}}`
		free    = `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [a]}, spec: {replicas: 1}}`
		changed = `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}, spec: {replicas: 1, paused: true}}`
		staying = `{metadata: {finalizers: [a, b]}, spec: {replicas: 1}}`
	)
	for _, test := range []struct {
		name, old, object string
		reason            policy.Reason
	}{
		{"a finalizer of what is going away is removed", going, free, policy.BeingDeleted},
		{"something else changes with it", going, changed, policy.UndeclaredFieldChanged},
		{"a finalizer of what stays is removed", staying, `{metadata: {}, spec: {replicas: 1}}`, policy.UndeclaredFieldChanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(request(t, person, policy.Update, test.old, test.object), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
			if v.Reason != test.reason {
				t.Errorf("%s for %s", v.Outcome, v.Reason)
			}
		})
	}
}

func TestNobodyGivesADeclaredObjectAnOwner(t *testing.T) {
	const owned = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: gone, uid: u}]}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
	for user, want := range map[string]struct {
		who    policy.User
		reason policy.Reason
		out    policy.Outcome
	}{
		"a person":          {person, policy.UndeclaredFieldChanged, policy.Deny},
		"a service account": {robot, policy.UndeclaredFieldChanged, policy.Deny},
		"the agent":         {agent, policy.AgentActor, policy.Allow},
	} {
		v := policy.Decide(request(t, want.who, policy.Update, guestbook, owned), snapshot(t, guestbook), build(t, guard(t, "test", enforce)))
		if v.Outcome != want.out || v.Reason != want.reason {
			t.Errorf("%s: %s for %s", user, v.Outcome, v.Reason)
		}
	}
}
