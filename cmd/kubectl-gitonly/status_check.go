package main

import (
	"errors"
	"fmt"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// unready returns an error that names what isn't ready, what guards nothing and
// what lets nobody write, or nil.
func unready(s status) error {
	var names []string
	for i := range s.Sources {
		if !apimeta.IsStatusConditionTrue(s.Sources[i].Status.Conditions, v1alpha1.ConditionReady) {
			names = append(names, "GitSource "+s.Sources[i].Name)
		}
	}
	for i := range s.Policies {
		if !apimeta.IsStatusConditionTrue(s.Policies[i].Status.Conditions, v1alpha1.ConditionReady) {
			names = append(names, "GuardPolicy "+s.Policies[i].Name)
		}
	}
	var reasons []string
	if len(names) > 0 {
		reasons = append(reasons, "not ready: "+strings.Join(names, ", "))
	}
	for i := range s.Policies {
		if problem := agentless(&s.Policies[i]); problem != "" {
			reasons = append(reasons, fmt.Sprintf("GuardPolicy %s enforces, and %s", s.Policies[i].Name, problem))
		}
	}
	if s.Registrations.missing() {
		reasons = append(reasons, "the API server asks gitonly about nothing")
	}
	for _, found := range s.Registrations.Found {
		if found.unverifiable() {
			reasons = append(reasons, fmt.Sprintf("ValidatingWebhookConfiguration %s has no caBundle, and %s", found.Name, found.unanswered()))
		}
	}
	if len(silence(s)) > 0 {
		reasons = append(reasons, "no replica of gitonly was heard of lately")
	}
	if len(reasons) == 0 {
		return nil
	}
	return errors.New(strings.Join(reasons, "; "))
}

// agentless says who is missing that would bring Git's changes past an enforcing
// policy; empty if nobody is known to be.
func agentless(policy *v1alpha1.GuardPolicy) string {
	agents := apimeta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionAgents)
	if policy.Spec.Mode != v1alpha1.ModeEnforce || agents == nil || agents.Status != metav1.ConditionFalse {
		return ""
	}
	return agents.Message
}
