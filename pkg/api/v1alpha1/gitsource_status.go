package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// How many conflicts, troubled sources and identities a GitSource's status names.
const (
	MaxConflicts  = 20
	MaxTroubled   = 100
	MaxIdentities = 200
)

// MaxWarnings is how many warnings a path's status names.
const MaxWarnings = 20

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

	// from says in a few words where the manifests come from: the URL of the
	// repository, or which agent's.
	// +optional
	From string `json:"from,omitempty"`

	// revision was last fetched; empty for an agent's sources, which each have
	// their own.
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

	// sources are those that were found at the agent.
	// +optional
	Sources *SourcesStatus `json:"sources,omitempty"`

	// identities are the service accounts as which the agent was found to
	// write: namespace/name.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Identities []string `json:"identities,omitempty"`

	// conflicts names objects that this source and another place both
	// declare, and which of the two counts: the first 20.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Conflicts []string `json:"conflicts,omitempty"`

	// replicas are what each of gitonly's replicas works with. One that says
	// nothing for five minutes is left out.
	// +optional
	// +listType=map
	// +listMapKey=name
	Replicas []ReplicaStatus `json:"replicas,omitempty"`
}

// ReplicaStatus is what one of gitonly's replicas works with.
type ReplicaStatus struct {
	// name of the replica's Pod.
	// +required
	Name string `json:"name"`

	// revision that it has last fetched, such as main@4f2c1ab; empty if none.
	// Of an agent's sources it is a hash that differs where any of theirs does.
	// +optional
	Revision string `json:"revision"`

	// lastSeenTime is when it said so.
	// +required
	LastSeenTime metav1.Time `json:"lastSeenTime"`
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

	// warnings name fields that the objects' kinds don't have, so that the API
	// server drops them: the first 20.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Warnings []string `json:"warnings,omitempty"`
}

// SourcesStatus says what became of the sources that were found at an agent.
type SourcesStatus struct {
	// total is how many there are.
	// +required
	Total int32 `json:"total"`

	// rendered is how many of them are rendered from their newest revision.
	// +required
	Rendered int32 `json:"rendered"`

	// recorded is how many of them gitonly can't render: the agent's own
	// record tells which objects are declared, and all of their fields are
	// Git's.
	// +required
	Recorded int32 `json:"recorded"`

	// troubled are those that something is wrong with, those that are known
	// by the agent's record alone, and those with encrypted values that
	// gitonly has no key for: the first 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Troubled []SourceStatus `json:"troubled,omitempty"`
}

// SourceStatus is the state of one source that was found at an agent.
type SourceStatus struct {
	// name of the source: Application argocd/guestbook.
	// +required
	Name string `json:"name"`

	// revision that its objects are of, such as main@4f2c1ab.
	// +optional
	Revision string `json:"revision,omitempty"`

	// objects is how many it declares.
	// +optional
	Objects int32 `json:"objects"`

	// message says what is wrong.
	// +optional
	Message string `json:"message,omitempty"`
}
