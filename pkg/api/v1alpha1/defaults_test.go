package v1alpha1_test

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestDefaultsLeaveAloneWhatIsSet(t *testing.T) {
	policy := v1alpha1.GuardPolicy{}
	policy.Spec.Mode = v1alpha1.ModeEnforce
	policy.Spec.Match.ExcludeNamespaces = []string{}
	policy.Spec.Match.Resources = []v1alpha1.Resource{{Kinds: []string{"Deployment"}}}
	policy.Spec.UndeclaredFields.People = v1alpha1.Allow
	policy.Spec.DerivedObjects.Delete = v1alpha1.Deny
	policy.Spec.IgnoreFields = []v1alpha1.IgnoredFields{{Paths: []string{"spec.replicas"}}}
	policy.Spec.BreakGlass = v1alpha1.BreakGlassPolicy{MaxDuration: &metav1.Duration{}, HoldAgent: new(false), Unrecorded: v1alpha1.Deny}
	policy.SetDefaults()

	want := v1alpha1.GuardPolicySpec{
		Mode: v1alpha1.ModeEnforce,
		Match: v1alpha1.Match{
			ExcludeNamespaces: []string{},
			Resources:         []v1alpha1.Resource{{APIGroups: []string{"*"}, Kinds: []string{"Deployment"}}},
		},
		Agents:            v1alpha1.Agents{Discover: new(true)},
		UndeclaredFields:  v1alpha1.UndeclaredFields{People: v1alpha1.Allow, ServiceAccounts: v1alpha1.Allow},
		UndeclaredObjects: v1alpha1.UndeclaredObjects{People: v1alpha1.Allow, ServiceAccounts: v1alpha1.Allow},
		DerivedObjects:    v1alpha1.DerivedObjects{Update: v1alpha1.Deny, Delete: v1alpha1.Deny},
		IgnoreFields: []v1alpha1.IgnoredFields{{
			Resource: v1alpha1.Resource{APIGroups: []string{"*"}, Kinds: []string{"*"}},
			Paths:    []string{"spec.replicas"},
			Actors:   []v1alpha1.IgnoredActor{v1alpha1.IgnoredPerson, v1alpha1.IgnoredServiceAccount},
		}},
		Undecidable: v1alpha1.Allow,
		BreakGlass: v1alpha1.BreakGlassPolicy{
			MaxDuration:     &metav1.Duration{},
			DefaultDuration: &metav1.Duration{Duration: time.Hour},
			ReasonPattern:   ".{10,}",
			HoldAgent:       new(false),
			Unrecorded:      v1alpha1.Deny,
			KeepRecords:     &metav1.Duration{Duration: 90 * 24 * time.Hour},
		},
	}
	if !reflect.DeepEqual(policy.Spec, want) {
		t.Errorf("got  %+v\nwant %+v", policy.Spec, want)
	}
}
