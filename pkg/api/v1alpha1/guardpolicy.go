package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GuardPolicy says which objects may change through Git only, and how
// strictly. Where several match an object the strictest outcome wins; what
// none matches is not guarded.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=guard,categories=gitonly
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Undecidable",type=string,JSONPath=`.spec.undecidable`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Agents",type=string,JSONPath=`.status.conditions[?(@.type=="Agents")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type GuardPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what is guarded, from whom, and how strictly. Each field has
	// a default: {} guards everything outside kube-system, in Audit mode.
	// +optional
	// +default={}
	Spec GuardPolicySpec `json:"spec,omitzero"`

	// status says whether the policy is in use.
	// +optional
	Status GuardPolicyStatus `json:"status,omitzero"`
}

// GuardPolicyList is a list of GuardPolicies.
//
// +kubebuilder:object:root=true
type GuardPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []GuardPolicy `json:"items"`
}

// GuardPolicySpec says what is guarded, from whom, and how strictly.
type GuardPolicySpec struct {
	// mode says what becomes of a request that departs from Git. Enforce
	// refuses it; Audit, the default, lets it through with a warning and
	// records it; Off lets it through, as if the policy weren't there. Write
	// "Off" in quotes: YAML reads a bare Off as the boolean false.
	// +optional
	// +default="Audit"
	Mode Mode `json:"mode,omitempty"`

	// match says which objects the policy guards: all outside kube-system by
	// default.
	// +optional
	// +default={}
	Match Match `json:"match,omitzero"`

	// agents are the identities that bring Git's changes into the cluster.
	// They may change anything.
	// +optional
	// +default={}
	Agents Agents `json:"agents,omitzero"`

	// systemActors are the identities of the control plane. They may change
	// anything. Left out, gitonly's built-in list holds: nodes, the API
	// server, the scheduler, the controller managers, and the service account
	// of each of their controllers. Set, it replaces that list as a whole; {}
	// trusts nobody.
	// +optional
	SystemActors *SystemActors `json:"systemActors,omitempty"`

	// undeclaredFields says who may change fields that Git leaves open, of
	// objects that it declares: a sidecar, an environment variable, a
	// finalizer.
	// +optional
	// +default={}
	UndeclaredFields UndeclaredFields `json:"undeclaredFields,omitzero"`

	// undeclaredObjects says who may create, change and delete objects that
	// Git doesn't declare.
	// +optional
	// +default={}
	UndeclaredObjects UndeclaredObjects `json:"undeclaredObjects,omitzero"`

	// derivedObjects says what people may do with objects that belong to
	// declared ones: the ReplicaSets and Pods of a Deployment, the Secret of a
	// SealedSecret, an ExternalSecret or a Certificate.
	// +optional
	// +default={}
	DerivedObjects DerivedObjects `json:"derivedObjects,omitzero"`

	// ignoreFields are fields of declared objects that may change, whatever
	// Git says of them: such as the replicas of what an autoscaler scales.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	IgnoreFields []IgnoredFields `json:"ignoreFields,omitempty"`

	// undecidable is the outcome while there is nothing to compare with: no
	// source has been rendered yet, or the comparison itself broke. Allow by
	// default.
	// +optional
	// +default="Allow"
	Undecidable Action `json:"undecidable,omitempty"`

	// breakGlass says how somebody may depart from Git in an emergency.
	// +optional
	// +default={}
	BreakGlass BreakGlassPolicy `json:"breakGlass,omitzero"`
}

// Mode says what becomes of a request that departs from Git.
//
// +kubebuilder:validation:Enum=Enforce;Audit;Off
type Mode string

// The modes.
const (
	ModeEnforce Mode = "Enforce" // it is refused
	ModeAudit   Mode = "Audit"   // it passes, with a warning and a record
	ModeOff     Mode = "Off"     // it passes
)

// Action is what a setting does with a request.
//
// +kubebuilder:validation:Enum=Allow;Deny
type Action string

// The actions.
const (
	Allow Action = "Allow"
	Deny  Action = "Deny"
)

// UndeclaredFields says who may change fields that Git leaves open.
type UndeclaredFields struct {
	// people are all actors but agents, system actors and service accounts;
	// administrators too. Deny by default.
	// +optional
	// +default="Deny"
	People Action `json:"people,omitempty"`

	// serviceAccounts are autoscalers, operators, certificate injection and
	// the like. Allow by default.
	// +optional
	// +default="Allow"
	ServiceAccounts Action `json:"serviceAccounts,omitempty"`
}

// UndeclaredObjects says who may touch objects that Git doesn't declare.
type UndeclaredObjects struct {
	// people are all actors but agents, system actors and service accounts;
	// administrators too. Allow by default; Deny is full lockdown.
	// +optional
	// +default="Allow"
	People Action `json:"people,omitempty"`

	// serviceAccounts are operators, jobs in the cluster and the like. Allow
	// by default.
	// +optional
	// +default="Allow"
	ServiceAccounts Action `json:"serviceAccounts,omitempty"`
}

// DerivedObjects says what people may do with objects that belong to declared
// ones, by a chain of controller owner references or as the Secret that a
// declared object asks for.
type DerivedObjects struct {
	// update is to create one, or to change one: a Pod's image, a finalizer.
	// Deny by default.
	// +optional
	// +default="Deny"
	Update Action `json:"update,omitempty"`

	// delete is to delete or evict one: the usual way to restart a Pod. Allow
	// by default.
	// +optional
	// +default="Allow"
	Delete Action `json:"delete,omitempty"`
}

// GuardPolicyStatus says whether the policy is in use.
type GuardPolicyStatus struct {
	// observedGeneration is the generation of the spec that this status is of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the policy. Ready is True while requests are decided by
	// it; Agents while its agents exist; Names while the built-in kinds and
	// fields that it names do.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
