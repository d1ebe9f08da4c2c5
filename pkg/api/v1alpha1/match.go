package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Match says which objects a policy guards: those of the listed resources
// whose namespace is selected and not excluded. Cluster-scoped objects have no
// namespace, and are guarded whatever the selector says; a Namespace itself
// counts as one of its own objects.
type Match struct {
	// namespaceSelector selects namespaces by their labels. Left out or empty,
	// it selects all.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && e.values.size() > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || e.values.size() == 0))",message="matchExpressions must each have operator In or NotIn with values, or Exists or DoesNotExist without"
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// excludeNamespaces are namespaces that are not guarded, whatever their
	// labels: [kube-system] by default, [] for none.
	// +optional
	// +listType=set
	// +default=["kube-system"]
	// +kubebuilder:validation:MaxItems=500
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and '-'"
	ExcludeNamespaces []string `json:"excludeNamespaces,omitzero"`

	// resources are the kinds of object that are guarded: all by default. An
	// object is guarded if one item has its group and its kind.
	// +optional
	// +listType=atomic
	// +default=[{"apiGroups":["*"],"kinds":["*"]}]
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	Resources []Resource `json:"resources,omitempty"`
}

// Resource names kinds of object.
type Resource struct {
	// apiGroups without version: apps, "" for the core group, "*" for all.
	// All by default.
	// +optional
	// +listType=set
	// +default=["*"]
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(\*|[a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$')`,message="must be an API group without version, such as apps, or '*'"
	// +kubebuilder:validation:XValidation:rule="self.size() <= 1 || !('*' in self)",message="'*' is every group already: list it alone"
	APIGroups []string `json:"apiGroups,omitempty"`

	// kinds as they stand in a manifest: Deployment; "*" for all. All by
	// default.
	// +optional
	// +listType=set
	// +default=["*"]
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(\*|[A-Z][0-9A-Za-z]*)$')`,message="must be a kind as manifests have it, such as Deployment, or '*'"
	// +kubebuilder:validation:XValidation:rule="self.size() <= 1 || !('*' in self)",message="'*' is every kind already: list it alone"
	Kinds []string `json:"kinds,omitempty"`
}
