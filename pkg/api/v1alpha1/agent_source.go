package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgoCD says which Applications are sources.
type ArgoCD struct {
	// namespace that Argo CD runs in: argocd by default.
	// +optional
	// +default="argocd"
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and '-'"
	Namespace string `json:"namespace,omitempty"`

	// selector picks Applications by their labels; without it, all of them.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// destinations are the names and URLs by which this Argo CD knows the
	// cluster that gitonly runs in. Applications for other clusters are left
	// out. By default that is the cluster that Argo CD itself runs in:
	// https://kubernetes.default.svc, alias in-cluster.
	// +optional
	// +default=["https://kubernetes.default.svc","in-cluster"]
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=2048
	Destinations []string `json:"destinations,omitempty"`
}

// Flux says which Kustomizations and HelmReleases are sources.
type Flux struct {
	// namespace that Flux's controllers run in: flux-system by default. Only
	// their service accounts are trusted, and those that they impersonate.
	// +optional
	// +default="flux-system"
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and '-'"
	Namespace string `json:"namespace,omitempty"`

	// selector picks Kustomizations and HelmReleases by their labels; without
	// it, all of them.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}
