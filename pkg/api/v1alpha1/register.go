package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: "gitonly.dev", Version: "v1alpha1"}

// The kinds, as they stand in a manifest.
const (
	GitSourceKind   = "GitSource"
	GuardPolicyKind = "GuardPolicy"
	BreakGlassKind  = "BreakGlass"
)

var (
	// SchemeBuilder collects what AddToScheme registers.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme makes the kinds known to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&GitSource{}, &GitSourceList{},
		&GuardPolicy{}, &GuardPolicyList{},
		&BreakGlass{}, &BreakGlassList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
