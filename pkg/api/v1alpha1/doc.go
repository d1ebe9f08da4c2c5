// Package v1alpha1 holds gitonly's own kinds: GitSource says what Git
// declares, GuardPolicy what is guarded and how strictly, and BreakGlass is the
// record of an emergency.
//
// It needs nothing but apimachinery, so that any client can import it.
//
// +kubebuilder:object:generate=true
// +groupName=gitonly.dev
package v1alpha1
