package admission

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Departures keeps account of the objects that depart from Git as Audit mode let
// it. Its methods keep nobody waiting.
type Departures interface {
	// Departed takes note of an object that departs.
	Departed(Departure)
	// Returned takes note of an object that is as Git has it, or is gone.
	Returned(key gitindex.Key)
}

// Departure is a write that Audit mode let pass.
type Departure struct {
	Key        gitindex.Key
	APIVersion string
	UID        types.UID
	Policy     string
	Reason     policy.Reason
	Message    string // without values
	At         time.Time
}

// account takes note of what a verdict makes of its object. Where the agent
// writes, it has what Git says; somebody may also take that back by hand.
func (h *Handler) account(request *policy.Request, v policy.Verdict) {
	if h.Departures == nil || request.DryRun || request.User.Name == h.Policies.Current().Self {
		return
	}
	switch {
	case v.Outcome == policy.Allow && request.Subresource == "" &&
		(v.Reason == policy.AgentActor || v.Reason == policy.Converging || request.Operation == policy.Delete):
		h.Departures.Returned(request.Key)
	case wouldBeRefused(v):
		object := regarding(request, v.Outcome)
		h.Departures.Departed(Departure{
			Key: request.Key, APIVersion: object.APIVersion, UID: object.UID, Policy: v.Policy, Reason: v.Reason,
			Message: note(request, v), At: request.At,
		})
	}
}
