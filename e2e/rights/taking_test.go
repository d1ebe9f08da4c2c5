package rights_test

import (
	"context"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// take takes a right away from a release, and returns what gives it back. Either
// returns when it is so.
func (s *scene) take(t *testing.T, release string, r right) (give func()) {
	t.Helper()
	if r == view {
		return func() {} // nobody has it
	}
	renamed := func(name string) string { return release + strings.TrimPrefix(name, main) }
	kind, name, _ := strings.Cut(r.role, " ")
	lacking := r
	if r.name != "" {
		lacking.name = renamed(r.name)
	}
	role := role{kind: kind, key: client.ObjectKey{Name: renamed(name)}}
	if kind == "Role" {
		role.key.Namespace = s.namespaces[release]
	}
	ask := authorizationv1.SubjectAccessReviewSpec{
		User: "system:serviceaccount:" + s.namespaces[release] + ":" + release,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: r.verb(), Group: r.group, Name: lacking.name, Namespace: role.key.Namespace,
		},
	}
	ask.ResourceAttributes.Resource, ask.ResourceAttributes.Subresource, _ = strings.Cut(r.resource, "/")
	if r.role == agent {
		ask.ResourceAttributes.Namespace = "argocd"
	}
	change := func(to func([]rbacv1.PolicyRule) []rbacv1.PolicyRule, allowed bool) {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		if err := role.change(ctx, s.admin, to); err != nil {
			t.Fatal(err)
		}
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
			review := &authorizationv1.SubjectAccessReview{Spec: ask}
			err := s.admin.Create(ctx, review)
			return err == nil && review.Status.Allowed == allowed, err
		})
		if err != nil {
			t.Fatalf("%s: waiting until that is %v: %v", r, allowed, err)
		}
	}
	var before []rbacv1.PolicyRule
	change(func(rules []rbacv1.PolicyRule) (rest []rbacv1.PolicyRule) {
		before = rules
		for _, other := range rightsOf(kind+" "+role.key.Name, rules) {
			if other.role = r.role; other != lacking {
				rest = append(rest, other.rule())
			}
		}
		return rest
	}, false)
	return func() { change(func([]rbacv1.PolicyRule) []rbacv1.PolicyRule { return before }, true) }
}

// role is a Role or ClusterRole.
type role struct {
	kind string
	key  client.ObjectKey
}

// change gives the role other rules.
func (r role) change(ctx context.Context, as client.Client, to func([]rbacv1.PolicyRule) []rbacv1.PolicyRule) error {
	if r.kind == "Role" {
		var is rbacv1.Role
		if err := as.Get(ctx, r.key, &is); err != nil {
			return err
		}
		is.Rules = to(is.Rules)
		return as.Update(ctx, &is)
	}
	var is rbacv1.ClusterRole
	if err := as.Get(ctx, r.key, &is); err != nil {
		return err
	}
	is.Rules = to(is.Rules)
	return as.Update(ctx, &is)
}
