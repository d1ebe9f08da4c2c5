package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BreakGlassApproveAnnotation is how somebody agrees to an emergency, where the
// first one's annotations are: its value is the emergency's code, and may go on
// after a hyphen.
const BreakGlassApproveAnnotation = "gitonly.dev/break-glass-approve"

// ApproveBreakGlassVerb is the verb of RBAC that lets somebody agree to others'
// emergencies of a resource's objects.
const ApproveBreakGlassVerb = "approve-break-glass"

// BreakGlassApproval is what an emergency takes of other people before it
// permits anything.
type BreakGlassApproval struct {
	// approvers is how many others have to agree.
	// +optional
	Approvers int32 `json:"approvers,omitempty"`

	// code is what they agree by. Another reason and a later end have another.
	// +optional
	Code string `json:"code,omitempty"`

	// askedBy is who asked for the reason and the end that the code stands for.
	// Neither they nor openedBy can agree.
	// +optional
	AskedBy string `json:"askedBy,omitempty"`

	// heldUntil is the end that was agreed on before askedBy asked for another:
	// until then the sync agent is held from what was changed by then.
	// +optional
	HeldUntil *metav1.Time `json:"heldUntil,omitempty"`
}

// BreakGlassAgreement is that somebody agreed to an emergency.
type BreakGlassAgreement struct {
	// by is who, as the API server knows them.
	// +required
	By User `json:"by"`

	// time is when it was.
	// +required
	Time metav1.Time `json:"time"`

	// code is what they agreed to.
	// +required
	Code string `json:"code"`
}

// Agreements are those to the emergency as it is now.
func (b *BreakGlass) Agreements() (all []BreakGlassAgreement) {
	for _, one := range b.Status.Approvals {
		if one.Code == b.Spec.Approval.Code {
			all = append(all, one)
		}
	}
	return all
}

// Missing is how many others have to agree still.
func (b *BreakGlass) Missing() int {
	return max(0, int(b.Spec.Approval.Approvers)-len(b.Agreements()))
}

// IsOpen reports whether the emergency isn't over.
func (b *BreakGlass) IsOpen() bool {
	state := b.Status.State
	return state == "" || state == BreakGlassPending || state == BreakGlassActive
}
