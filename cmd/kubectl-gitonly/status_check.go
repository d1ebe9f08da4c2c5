package main

import (
	"fmt"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// unready returns an error that names what isn't ready, or nil.
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
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("not ready: %s", strings.Join(names, ", "))
}
