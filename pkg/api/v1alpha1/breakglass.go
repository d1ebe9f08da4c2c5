package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The annotations that break the glass: on an object, or on its Namespace for
// everything in it.
const (
	// BreakGlassAnnotation says why.
	BreakGlassAnnotation = "gitonly.dev/break-glass"
	// BreakGlassUntilAnnotation says until when, in RFC 3339.
	BreakGlassUntilAnnotation = "gitonly.dev/break-glass-until"
)

// BreakGlassVerb is the verb of RBAC that lets somebody break the glass for
// objects of a resource.
const BreakGlassVerb = "break-glass"

// BreakGlassUIDLabel is on each BreakGlass: the UID of its object.
const BreakGlassUIDLabel = "gitonly.dev/object-uid"

// BreakGlass is the record of one emergency: that somebody was let depart from
// Git, why, until when, and what was done meanwhile. gitonly writes it when it
// accepts a break-glass annotation; the annotation permits nothing without it.
// Nobody else can write or delete it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,path=breakglasses,singular=breakglass,shortName=bg,categories=gitonly
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Object",type=string,JSONPath=`.status.object`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=`.spec.openedBy.user`
// +kubebuilder:printcolumn:name="Until",type=string,JSONPath=`.spec.until`
// +kubebuilder:printcolumn:name="Uses",type=integer,JSONPath=`.status.useCount`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
type BreakGlass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what was permitted.
	// +required
	Spec BreakGlassSpec `json:"spec"`

	// status says what was done with it, and what became of it.
	// +optional
	Status BreakGlassStatus `json:"status,omitzero"`
}

// BreakGlassList is a list of BreakGlasses.
//
// +kubebuilder:object:root=true
type BreakGlassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []BreakGlass `json:"items"`
}

// BreakGlassSpec says what was permitted.
type BreakGlassSpec struct {
	// object is what may depart from Git: the object, or for a Namespace
	// everything in it.
	// +required
	Object ObjectReference `json:"object"`

	// reason is what the annotation says.
	// +required
	Reason string `json:"reason"`

	// openedBy is who set the annotation, as the API server knows them.
	// +required
	OpenedBy User `json:"openedBy"`

	// from is when that was.
	// +required
	From metav1.Time `json:"from"`

	// until is when it ends by itself.
	// +required
	Until metav1.Time `json:"until"`

	// asked is true if the annotation says until when, and not the policy.
	// +optional
	Asked bool `json:"asked,omitempty"`

	// hold is true if the sync agent may not take back meanwhile what is
	// changed.
	// +optional
	Hold bool `json:"hold,omitempty"`

	// approval is what it takes of other people before it permits anything.
	// +optional
	Approval BreakGlassApproval `json:"approval,omitzero"`
}

// ObjectReference names an object in the cluster.
type ObjectReference struct {
	// group is the API group, without version; empty for the core group.
	// +optional
	Group string `json:"group,omitempty"`

	// kind as manifests have it.
	// +required
	Kind string `json:"kind"`

	// namespace of the object; empty for cluster-scoped ones.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// name of the object.
	// +required
	Name string `json:"name"`

	// uid tells it from another of the same name.
	// +optional
	UID types.UID `json:"uid,omitempty"`
}

// User is somebody as the API server knows them.
type User struct {
	// user is the name.
	// +required
	Name string `json:"user"`

	// groups that the user is in.
	// +optional
	// +listType=atomic
	Groups []string `json:"groups,omitempty"`
}

// BreakGlassState is what became of an emergency.
//
// +kubebuilder:validation:Enum=Pending;Active;Expired;Ended;Reconciled
type BreakGlassState string

// The states. All but Pending and Active are final.
const (
	BreakGlassPending    BreakGlassState = "Pending"    // somebody else has to agree before it permits anything
	BreakGlassActive     BreakGlassState = "Active"     // it permits
	BreakGlassExpired    BreakGlassState = "Expired"    // its time was over
	BreakGlassEnded      BreakGlassState = "Ended"      // somebody ended it
	BreakGlassReconciled BreakGlassState = "Reconciled" // Git says now what was changed
)

// The most that a record holds of each.
const (
	MaxBreakGlassUses      = 100 // the latest
	MaxBreakGlassChanges   = 200 // objects
	MaxBreakGlassFields    = 100 // of an object, or in a use
	MaxBreakGlassApprovals = 20
)

// BreakGlassStatus says what was done in an emergency, and what became of it.
type BreakGlassStatus struct {
	// object is spec.object in short.
	// +optional
	Object string `json:"object,omitempty"`

	// state is what became of it.
	// +optional
	State BreakGlassState `json:"state,omitempty"`

	// message says more about the state: who ended it, what still departs from
	// Git.
	// +optional
	Message string `json:"message,omitempty"`

	// endedAt is when it was over.
	// +optional
	EndedAt *metav1.Time `json:"endedAt,omitempty"`

	// approvals are those who agreed to it as it is now.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Approvals []BreakGlassAgreement `json:"approvals,omitempty"`

	// useCount is how many requests it permitted.
	// +optional
	UseCount int64 `json:"useCount,omitempty"`

	// uses are the latest requests that it permitted, oldest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Uses []BreakGlassUse `json:"uses,omitempty"`

	// changes are the objects that were changed, and in which fields: what the
	// sync agent is kept from taking back.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Changes []BreakGlassChange `json:"changes,omitempty"`
}

// BreakGlassUse is one request that was permitted.
type BreakGlassUse struct {
	// uid is that of the AdmissionReview.
	// +required
	UID types.UID `json:"uid"`

	// time is when it was.
	// +required
	Time metav1.Time `json:"time"`

	// by is who asked.
	// +required
	By User `json:"by"`

	// operation is CREATE, UPDATE, DELETE or CONNECT.
	// +required
	Operation string `json:"operation"`

	// object is what it was done to.
	// +required
	Object ObjectReference `json:"object"`

	// subresource that was written; empty for the object itself.
	// +optional
	Subresource string `json:"subresource,omitempty"`

	// did is what it did to the emergency, or why it would have been refused
	// without.
	// +required
	Did string `json:"did"`

	// reason that was given, where the emergency was opened or its terms changed.
	// +optional
	Reason string `json:"reason,omitempty"`

	// until when was asked then.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// differences from Git, one a field. Values of Secrets are not in them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Differences []string `json:"differences,omitempty"`
}

// BreakGlassChange is an object that was changed in an emergency.
type BreakGlassChange struct {
	// object that was changed.
	// +required
	Object ObjectReference `json:"object"`

	// deleted is true if it was deleted.
	// +optional
	Deleted bool `json:"deleted,omitempty"`

	// revision is the commit that Git was at when it was last changed; empty if
	// Git doesn't declare it.
	// +optional
	Revision string `json:"revision,omitempty"`

	// fields that were changed. One that is "*" stands for all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	Fields []string `json:"fields,omitempty"`
}
