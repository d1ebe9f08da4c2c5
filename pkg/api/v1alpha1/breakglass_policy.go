package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BreakGlassPolicy says how the glass may be broken. Who may is RBAC's to say:
// whoever has the verb break-glass on a resource may for its objects.
type BreakGlassPolicy struct {
	// maxDuration is how long an emergency may last. 4h by default; with 0s
	// nobody can break the glass.
	// +optional
	// +default="4h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$')`,message="must be a duration, such as 30m, 4h or 1h30m"
	MaxDuration *metav1.Duration `json:"maxDuration,omitempty"`

	// defaultDuration is how long it lasts if nobody says until when: 1h by
	// default, and never longer than maxDuration.
	// +optional
	// +default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s')`,message="must be a duration of 1s or more, such as 30m, 4h or 1h30m"
	DefaultDuration *metav1.Duration `json:"defaultDuration,omitempty"`

	// reasonPattern is a regular expression that is found in each reason: ten
	// characters of any kind by default. Such as "^INC-[0-9]+ " for a ticket.
	// +optional
	// +default=".{10,}"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`'x'.matches(self) in [true, false]`,message="must be a regular expression"
	ReasonPattern string `json:"reasonPattern,omitempty"`

	// approvers is how many other people, with the verb approve-break-glass,
	// have to agree before an emergency permits anything: none by default. Then
	// nothing is permitted either while records can't be read or written.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=5
	Approvers int32 `json:"approvers,omitempty"`

	// holdAgent keeps the sync agent from taking back, during an emergency,
	// what is changed in it. True by default.
	// +optional
	// +default=true
	HoldAgent *bool `json:"holdAgent,omitempty"`

	// unrecorded is what becomes of a request that an emergency permits, and
	// that can't be recorded in the cluster. Allow by default: an emergency is
	// no time to wait. It is in the log either way.
	// +optional
	// +default="Allow"
	Unrecorded Action `json:"unrecorded,omitempty"`

	// keepRecords is how long a record stays after its emergency is over: 90
	// days (2160h) by default, and 1h at least.
	// +optional
	// +default="2160h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1h')`,message="must be a duration of 1h or more, such as 720h"
	KeepRecords *metav1.Duration `json:"keepRecords,omitempty"`

	// contact is whom a refused user asks in an emergency who may not break
	// the glass: "#platform-oncall".
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Contact string `json:"contact,omitempty"`
}

// setDefaults fills in what is left out.
func (b *BreakGlassPolicy) setDefaults() {
	setDuration(&b.MaxDuration, 4*time.Hour)
	setDuration(&b.DefaultDuration, time.Hour)
	setDuration(&b.KeepRecords, 90*24*time.Hour)
	setDefault(&b.ReasonPattern, ".{10,}")
	setDefault(&b.Unrecorded, Allow)
	if b.HoldAgent == nil {
		b.HoldAgent = new(true)
	}
}
