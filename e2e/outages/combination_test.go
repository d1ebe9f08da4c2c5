package outages_test

import (
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// combination is a way to set gitonly up: a column of the table, and a namespace.
type combination struct {
	failurePolicy admissionregistration.FailurePolicyType // what the API server does without an answer
	undecidable   v1alpha1.Action                         // what gitonly does where it can't decide
}

// combinations are all there are.
var combinations = []combination{
	{admissionregistration.Ignore, v1alpha1.Allow},
	{admissionregistration.Ignore, v1alpha1.Deny},
	{admissionregistration.Fail, v1alpha1.Allow},
	{admissionregistration.Fail, v1alpha1.Deny},
}

func (c combination) namespace() string {
	return strings.ToLower(string(c.failurePolicy) + "-" + string(c.undecidable))
}

// labels are the namespace's: the registrations and the policies go by them.
func (c combination) labels() map[string]string {
	return map[string]string{
		"failure-policy": strings.ToLower(string(c.failurePolicy)),
		"undecidable":    strings.ToLower(string(c.undecidable)),
	}
}

// namespacesOf selects the namespaces of a registration.
func namespacesOf(failurePolicy admissionregistration.FailurePolicyType) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"failure-policy": strings.ToLower(string(failurePolicy))}}
}
