package v1alpha1

// IgnoredFields are fields that may change: all that the paths name, of
// objects of these kinds, by these actors.
type IgnoredFields struct {
	Resource `json:",inline"`

	// paths of the fields, as gitonly's messages write them. What is below a
	// path is ignored with it:
	//
	//	spec.replicas
	//	metadata.annotations[example.com/build]
	//	spec.template.spec.containers[name=web].resources
	//	webhooks[*].clientConfig.caBundle
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('/') && !self.startsWith('.')",message="must be a path such as spec.replicas: no / or . in front"
	Paths []string `json:"paths"`

	// actors for whom the fields are ignored: all by default.
	// +optional
	// +listType=set
	// +default=["Person","ServiceAccount"]
	// +kubebuilder:validation:MinItems=1
	Actors []IgnoredActor `json:"actors,omitempty"`

	// subjects narrow the actors down to these users, groups and service
	// accounts. Left out, it is every actor of the kind.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Subjects []Subject `json:"subjects,omitempty"`
}

// IgnoredActor is a kind of actor whose changes are judged.
//
// +kubebuilder:validation:Enum=Person;ServiceAccount
type IgnoredActor string

// The actors whose changes are judged.
const (
	IgnoredPerson         IgnoredActor = "Person"
	IgnoredServiceAccount IgnoredActor = "ServiceAccount"
)
