package v1alpha1

// Agents are the identities of the sync agents.
type Agents struct {
	// subjects are users, groups and service accounts, as in a
	// ClusterRoleBinding. An agent that impersonates others is known by whom
	// it impersonates.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Subjects []Subject `json:"subjects,omitempty"`

	// discover trusts the service accounts that GitSources with argoCD or flux
	// find the agents to write as, each for the objects of the sources that it
	// syncs and for objects that no source declares. True by default.
	// +optional
	// +default=true
	Discover *bool `json:"discover,omitempty"`
}

// Subject is a user, a group or a service account.
//
// +kubebuilder:validation:XValidation:rule="self.kind != 'ServiceAccount' || (has(self.__namespace__) && size(self.__namespace__) > 0)",message="is required: a ServiceAccount belongs to a namespace",fieldPath=".namespace"
// +kubebuilder:validation:XValidation:rule="self.kind == 'ServiceAccount' || !has(self.__namespace__) || size(self.__namespace__) == 0",message="must be left out: only a ServiceAccount belongs to a namespace",fieldPath=".namespace"
type Subject struct {
	// kind is User, Group or ServiceAccount.
	// +required
	Kind SubjectKind `json:"kind"`

	// name of the user or group, as the API server knows them, or of the
	// service account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Name string `json:"name"`

	// namespace of the service account. Only, and always, for that kind.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
}

// SubjectKind says what a subject is.
//
// +kubebuilder:validation:Enum=User;Group;ServiceAccount
type SubjectKind string

// The kinds of subject.
const (
	SubjectUser           SubjectKind = "User"
	SubjectGroup          SubjectKind = "Group"
	SubjectServiceAccount SubjectKind = "ServiceAccount"
)

// SystemActors are the identities of the control plane.
type SystemActors struct {
	// users by their full names, such as system:kube-scheduler.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Users []string `json:"users,omitzero"`

	// groups by their full names, such as system:nodes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Groups []string `json:"groups,omitzero"`
}
