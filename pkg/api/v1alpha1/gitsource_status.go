package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxConflicts is how many conflicts a GitSource's status names.
const MaxConflicts = 20

// GitSourceStatus says what was found.
type GitSourceStatus struct {
	// observedGeneration is the generation of the spec that this status is of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the source. Ready is True while every path is rendered
	// from the newest revision.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// revision was last fetched.
	// +optional
	Revision Revision `json:"revision,omitzero"`

	// lastCheckTime is when the ref was last seen to be at revision.
	// +optional
	LastCheckTime metav1.Time `json:"lastCheckTime,omitzero"`

	// objects is how many objects the source declares.
	// +optional
	Objects int32 `json:"objects"`

	// paths are the results of each rendered path.
	// +optional
	// +listType=atomic
	Paths []PathStatus `json:"paths,omitempty"`

	// conflicts names objects that this source and another place both
	// declare, and which of the two counts: the first 20.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Conflicts []string `json:"conflicts,omitempty"`
}

// Revision is a commit, and the name by which it was reached.
type Revision struct {
	// name is the branch or tag; HEAD for the remote's default branch; empty
	// if the spec names a commit.
	// +optional
	Name string `json:"name,omitempty"`

	// commit is the full hash.
	// +optional
	Commit string `json:"commit,omitempty"`
}

// PathStatus is the result of rendering one path.
type PathStatus struct {
	// path is spec.git.paths[].path.
	// +required
	Path string `json:"path"`

	// namespace is spec.git.paths[].namespace.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// objects is how many objects the path declares.
	// +optional
	Objects int32 `json:"objects"`

	// revision that the objects were rendered from, such as main@4f2c1ab. It
	// is older than the source's own while rendering goes wrong.
	// +optional
	Revision string `json:"revision,omitempty"`

	// message says what went wrong at the newest revision, with file and line
	// where they are known. Empty if nothing did.
	// +optional
	Message string `json:"message,omitempty"`
}
