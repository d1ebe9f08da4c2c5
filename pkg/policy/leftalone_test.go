package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// rendered is a snapshot of the guestbook, changed by edit, whose agent leaves
// fields alone.
func rendered(t testing.TB, edit func(*gitindex.Declared), ignores ...gitindex.FieldIgnore) *gitindex.Snapshot {
	t.Helper()
	object := declare(t, guestbook)
	if edit != nil {
		edit(&object)
	}
	location := gitindex.Location{Path: "apps/overlays/staging", Build: gitindex.Build{Ignores: ignores}}
	return gitindex.NewSnapshot([]gitindex.SourceState{{
		Source:    gitindex.Source{Name: "infra", Locations: []gitindex.Location{location}},
		Revision:  revision,
		CheckedAt: arrival.Add(-12 * time.Second),
		Locations: []gitindex.LocationState{{Location: location, Revision: revision, Objects: []gitindex.Declared{object}}},
	}})
}

func TestWhatTheAgentLeavesAloneMayChange(t *testing.T) {
	by := func(manager string) string {
		return strings.Replace(scaled, "{metadata: {", `{metadata: {managedFields: [{manager: `+manager+`, operation: Update, apiVersion: apps/v1, fieldsV1: {"f:spec": {"f:replicas": {}}}}], `, 1)
	}
	deployments := gitindex.FieldIgnore{Group: "apps", Kind: "Deployment"}
	ignoring := func(change func(*gitindex.FieldIgnore)) []gitindex.FieldIgnore {
		ignore := deployments
		change(&ignore)
		return []gitindex.FieldIgnore{ignore}
	}
	pointer := ignoring(func(f *gitindex.FieldIgnore) { f.Pointers = []string{"/spec/replicas"} })
	query := ignoring(func(f *gitindex.FieldIgnore) { f.JQ = []string{`select(.spec.replicas) | .spec.replicas`} })
	manager := ignoring(func(f *gitindex.FieldIgnore) { f.Managers = []string{"keda"} })
	for _, test := range []struct {
		name    string
		ignores []gitindex.FieldIgnore
		policy  string // enforce if empty
		user    policy.User
		object  string // scaled if empty
		reason  policy.Reason
	}{
		{name: "by a pointer", ignores: pointer, user: person, reason: policy.IgnoredFieldChanged},
		{name: "by a pointer, of a service account", ignores: pointer, user: robot, reason: policy.IgnoredFieldChanged},
		{name: "by a query", ignores: query, user: person, reason: policy.IgnoredFieldChanged},
		{name: "but nothing else", ignores: pointer, user: person, object: sidecar, reason: policy.UndeclaredFieldChanged},
		{name: "beside what the policy ignores", ignores: pointer, policy: `{mode: Enforce, ignoreFields: [{paths: ["spec.template.spec.containers[name=spy]"]}]}`, user: person,
			object: strings.Replace(sidecar, "replicas: 1", "replicas: 5", 1), reason: policy.IgnoredFieldChanged},
		{name: "not in objects of another name", ignores: ignoring(func(f *gitindex.FieldIgnore) { f.Name, f.Pointers = "other", []string{"/spec/replicas"} }), user: person, reason: policy.DeclaredFieldChanged},
		{name: "not by what can't be read", ignores: ignoring(func(f *gitindex.FieldIgnore) { f.Pointers, f.JQ = []string{"spec/replicas"}, []string{"repeat(.)"} }), user: person, reason: policy.DeclaredFieldChanged},
		{name: "by what can, beside it", ignores: ignoring(func(f *gitindex.FieldIgnore) { f.Pointers = []string{"spec/replicas", "/spec/replicas"} }), user: person, reason: policy.IgnoredFieldChanged},
		{name: "by a manager", ignores: manager, user: robot, object: by("keda"), reason: policy.IgnoredFieldChanged},
		{name: "by another manager", ignores: manager, user: robot, object: by("other"), reason: policy.DeclaredFieldChanged},
		{name: "not of a person who takes the manager's name", ignores: manager, user: person, object: by("keda"), reason: policy.DeclaredFieldChanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			if test.object == "" {
				test.object = scaled
			}
			v := policy.Decide(request(t, test.user, policy.Update, guestbook, test.object), rendered(t, nil, test.ignores...), build(t, guard(t, "test", test.policy)))
			if v.Reason != test.reason {
				t.Errorf("%s for %s, want %s", v.Outcome, v.Reason, test.reason)
			}
		})
	}
}

// What one guard ignores must not reach those before or after it, which share
// what the agent leaves alone.
func TestGuardsShareWhatTheAgentLeavesAloneAndNothingElse(t *testing.T) {
	both := strings.Replace(sidecar, "replicas: 1", "replicas: 5", 1)
	snap := rendered(t, nil, gitindex.FieldIgnore{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/replicas"}})
	ignores := guard(t, "ignores", `{mode: Enforce, ignoreFields: [{paths: ["spec.template.spec.containers[name=spy]"]}]}`)
	minds := guard(t, "minds", enforce)
	want := declared + "\nThis request departs from it:\n" + `  spec.template.spec.containers[name=spy]: not in Git, the request adds {"image":"evil","name":"spy"}` + keepIt
	for i, p := range []policy.Policy{build(t, ignores, minds), build(t, minds, ignores), build(t, ignores, minds, ignores, minds)} {
		v := policy.Decide(request(t, person, policy.Update, guestbook, both), snap, p)
		if diff := cmp.Diff(want, v.Message); diff != "" || v.Policy != "minds" {
			t.Errorf("%d: by %s (-want +got):\n%s", i, v.Policy, diff)
		}
	}
}

func TestWhatNobodyCanTellMayChange(t *testing.T) {
	snap := rendered(t, func(d *gitindex.Declared) { d.Undetermined = []string{"spec.replicas"} })
	for _, test := range []struct {
		name    string
		request policy.Request
		outcome policy.Outcome
		reason  policy.Reason
	}{
		{"a person changes it", request(t, person, policy.Update, guestbook, scaled), policy.Allow, policy.IgnoredFieldChanged},
		{"a service account changes it", request(t, robot, policy.Update, guestbook, scaled), policy.Allow, policy.IgnoredFieldChanged},
		{"a person scales", request(t, person, policy.Update, scale1, scale5, scaling), policy.Allow, policy.IgnoredFieldChanged},
		{"a person changes something else", request(t, person, policy.Update, guestbook, sidecar), policy.Deny, policy.UndeclaredFieldChanged},
		{"a person creates the object", request(t, person, policy.Create, "", guestbook), policy.Deny, policy.DeclaredObjectCreated},
		{"a person deletes the object", request(t, person, policy.Delete, guestbook, ""), policy.Deny, policy.DeclaredObjectDeleted},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(test.request, snap, build(t, guard(t, "test", enforce)))
			if v.Outcome != test.outcome || v.Reason != test.reason {
				t.Errorf("%s for %s, want %s for %s", v.Outcome, v.Reason, test.outcome, test.reason)
			}
		})
	}
}

func TestHiddenFieldsAreNotShown(t *testing.T) {
	const image = "spec.template.spec.containers[name=web].image"
	withImage := func(name string) string { return strings.Replace(guestbook, "nginx:1.25", name, 1) }
	for _, test := range []struct {
		name, old, object, want string
		reason                  policy.Reason
	}{
		{"a person changes one", guestbook, withImage("s3cret"),
			declared + "\nThis request departs from it:\n  " + image + ": the request departs from Git's value (not shown)   (apps/base/guestbook/deployment.yaml)" + atPage, policy.DeclaredFieldChanged},
		{"a person removes what holds one", guestbook, `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}}, spec: {replicas: 1}}`,
			declared + "\nThis request departs from it:\n  spec.template.spec.containers[name=web]: the request departs from Git's value (not shown)   (apps/base/guestbook/deployment.yaml)" + atPage, policy.DeclaredFieldChanged},
		{"a person returns to Git's value", withImage("s3cret"), guestbook, "", policy.Converging},
	} {
		t.Run(test.name, func(t *testing.T) {
			snap := rendered(t, func(d *gitindex.Declared) { d.Hidden = []string{image} })
			v := policy.Decide(request(t, person, policy.Update, test.old, test.object), snap, build(t, guard(t, "test", enforce)))
			if diff := cmp.Diff(test.want, v.Message); diff != "" || v.Reason != test.reason {
				t.Errorf("%s (-want +got):\n%s", v.Reason, diff)
			}
			if all := fmt.Sprintf("%+v", v.Differences); strings.Contains(all, "nginx") || strings.Contains(all, "s3cret") {
				t.Errorf("a value is shown: %s", all)
			}
		})
	}
}
