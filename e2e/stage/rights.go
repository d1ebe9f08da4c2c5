package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// charted are the roles that the chart binds to gitonly, the last one in the
// agents' namespaces.
var charted = []string{"ClusterRole gitonly", "Role gitonly", "ClusterRole view", "ClusterRole gitonly-agent"}

// onlyCharted returns an error if somebody has given gitonly's service account
// another role: what is shown then would not be so in a cluster.
func (s *Stage) onlyCharted(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(s.Plane.Admin.Config)
	if err != nil {
		return err
	}
	everywhere, err := client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	bindings, err := client.RbacV1().RoleBindings("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var more []error
	check := func(binding metav1.ObjectMeta, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
		if binding.Labels["kubernetes.io/bootstrapping"] == "" && slices.ContainsFunc(subjects, isGitonly) && !slices.Contains(charted, role.Kind+" "+role.Name) {
			more = append(more, fmt.Errorf("gitonly has %s %s by the binding %s, which the chart doesn't give it", role.Kind, role.Name, binding.Name))
		}
	}
	for _, b := range everywhere.Items {
		check(b.ObjectMeta, b.RoleRef, b.Subjects)
	}
	for _, b := range bindings.Items {
		check(b.ObjectMeta, b.RoleRef, b.Subjects)
	}
	return errors.Join(more...)
}

// isGitonly reports whether gitonly's service account is a subject, or in it.
func isGitonly(subject rbacv1.Subject) bool {
	switch subject.Kind {
	case rbacv1.ServiceAccountKind:
		return subject.Namespace == "gitonly-system" && subject.Name == "gitonly"
	case rbacv1.GroupKind:
		return slices.Contains([]string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:gitonly-system"}, subject.Name)
	}
	return subject.Name == "system:serviceaccount:gitonly-system:gitonly"
}
