package policy

import (
	"testing"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// TestWhoeverIsTrustedIsLookedFor: where no service account of a namespace may
// be trusted, none is.
func TestWhoeverIsTrustedIsLookedFor(t *testing.T) {
	for _, test := range []struct {
		name    string
		subject v1alpha1.Subject
		found   string // a user that was discovered
		trusted bool
	}{
		{name: "nobody"},
		{name: "the account", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectServiceAccount, Namespace: "apps", Name: "deployer"}, trusted: true},
		{name: "the account as a user", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectUser, Name: "system:serviceaccount:apps:deployer"}, trusted: true},
		{name: "an account of a namespace whose name begins alike", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectServiceAccount, Namespace: "apps-2", Name: "deployer"}},
		{name: "the namespace's accounts", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectGroup, Name: "system:serviceaccounts:apps"}, trusted: true},
		{name: "another namespace's accounts", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectGroup, Name: "system:serviceaccounts:apps-2"}},
		{name: "all accounts", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectGroup, Name: "system:serviceaccounts"}, trusted: true},
		{name: "all users", subject: v1alpha1.Subject{Kind: v1alpha1.SubjectGroup, Name: "system:authenticated"}, trusted: true},
		{name: "an account that was discovered", found: "system:serviceaccount:apps:deployer", trusted: true},
		{name: "one of another namespace that was", found: "system:serviceaccount:apps-2:deployer"},
	} {
		c := &decision{agents: Agents{test.found: {}}}
		var named subjects
		if test.subject.Name != "" {
			named = subjectsOf([]v1alpha1.Subject{test.subject})
		}
		for _, g := range []*Guard{{discover: true, agents: named}, {discover: true, system: named}} {
			trusted, some := c.trusts(g, serviceAccount("apps", "deployer").user), c.trustsSomeIn(g, "apps")
			if trusted != test.trusted || some != test.trusted {
				t.Errorf("%s: trusted: %t, looked for: %t", test.name, trusted, some)
			}
		}
	}
}
