package main

import (
	"errors"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// unready returns an error that names what isn't ready and what guards nothing,
// or nil.
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
	if s.Registrations.missing() {
		reasons = append(reasons, "the API server asks gitonly about nothing")
	}
	if len(silence(s)) > 0 {
		reasons = append(reasons, "no replica of gitonly was heard of lately")
	}
	if len(reasons) == 0 {
		return nil
	}
	return errors.New(strings.Join(reasons, "; "))
}
