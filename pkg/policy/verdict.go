package policy

import (
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Verdict is the answer to a request. The zero Verdict refuses.
type Verdict struct {
	Outcome     Outcome
	Reason      Reason
	Message     string // for the user; empty where there is nothing to say
	Actor       Actor
	Mode        Mode                // of the policy that decided; empty if none guards the object
	Policy      string              // its name
	Differences []fields.Difference // that count against the request

	// Emergency is the part that breaking the glass has in it; nil if none.
	Emergency *EmergencyUse

	// Declared is the declaration of the object, or of the one that it belongs
	// to; nil if no source has one.
	Declared *gitindex.Declared
}

// Outcome is what happens to a request.
type Outcome int

// The outcomes, strictest first.
const (
	Deny  Outcome = iota // it is refused
	Warn                 // it passes, and its user is told why it should not have
	Allow                // it passes
)

func (o Outcome) String() string {
	switch o {
	case Warn:
		return "Warn"
	case Allow:
		return "Allow"
	}
	return "Deny"
}

// Reason is the rule that decided.
type Reason string

// The reasons, in the order of the rules.
const (
	NotGuarded              Reason = "NotGuarded"              // no policy guards the object
	SystemActor             Reason = "SystemActor"             // the control plane at work
	AgentActor              Reason = "AgentActor"              // the sync agent brings what Git says
	Undecidable             Reason = "Undecidable"             // something needed for a decision is missing
	PassiveSubresource      Reason = "PassiveSubresource"      // a subresource that changes nothing Git could declare
	UnknownSubresource      Reason = "UnknownSubresource"      // a declared object's subresource that no rule knows
	NamespaceTerminating    Reason = "NamespaceTerminating"    // the object's namespace is going away
	DeclaredObjectCreated   Reason = "DeclaredObjectCreated"   // the agent creates declared objects
	DeclaredObjectDeleted   Reason = "DeclaredObjectDeleted"   // the agent deletes declared objects
	BeingDeleted            Reason = "BeingDeleted"            // the object is going away already
	DeclaredFieldChanged    Reason = "DeclaredFieldChanged"    // a declared field would depart from Git
	UndeclaredFieldChanged  Reason = "UndeclaredFieldChanged"  // a field that Git is silent about changes
	RecordedObjectChanged   Reason = "RecordedObjectChanged"   // the agent applies the object, and only it knows which fields
	VersionSkew             Reason = "VersionSkew"             // Git declares another API version, and nothing converts
	Unchanged               Reason = "Unchanged"               // nothing changes
	Converging              Reason = "Converging"              // every change takes Git's value
	IgnoredFieldChanged     Reason = "IgnoredFieldChanged"     // nothing changes but fields that the policy or the agent ignores, or that nobody can tell
	NamespaceHoldsDeclared  Reason = "NamespaceHoldsDeclared"  // deleting the namespace deletes declared objects
	NamespaceLeavesPolicy   Reason = "NamespaceLeavesPolicy"   // new labels take declared objects out of a policy's reach
	KindHoldsDeclared       Reason = "KindHoldsDeclared"       // deleting the definition deletes declared objects
	AgentLeverChanged       Reason = "AgentLeverChanged"       // the object tells the agent, or gitonly, what to do
	TrustedIdentityTaken    Reason = "TrustedIdentityTaken"    // the request would let its user act as an agent or the control plane
	DerivedObjectChanged    Reason = "DerivedObjectChanged"    // the object belongs to a declared one
	DerivedObjectDeleted    Reason = "DerivedObjectDeleted"    // the same, deleted
	UndeclaredObjectChanged Reason = "UndeclaredObjectChanged" // Git is silent about the object
	BreakGlassOpened        Reason = "BreakGlassOpened"        // somebody who may breaks the glass, or changes its terms
	BreakGlassUsed          Reason = "BreakGlassUsed"          // an emergency permits what would be refused
	BreakGlassEnded         Reason = "BreakGlassEnded"         // somebody who may ends an emergency
	BreakGlassApproved      Reason = "BreakGlassApproved"      // somebody who may agrees to an emergency
	BreakGlassRefused       Reason = "BreakGlassRefused"       // the glass can't be broken like this, or not by this user
	Held                    Reason = "Held"                    // the sync agent would take back what was changed in an emergency
)

// Reasons returns every reason.
func Reasons() []Reason {
	return []Reason{
		NotGuarded, SystemActor, AgentActor, Undecidable, PassiveSubresource, UnknownSubresource,
		NamespaceTerminating, DeclaredObjectCreated, DeclaredObjectDeleted, BeingDeleted,
		DeclaredFieldChanged, UndeclaredFieldChanged, RecordedObjectChanged, VersionSkew, Unchanged, Converging,
		IgnoredFieldChanged, NamespaceHoldsDeclared, NamespaceLeavesPolicy, KindHoldsDeclared,
		AgentLeverChanged, TrustedIdentityTaken, DerivedObjectChanged, DerivedObjectDeleted,
		UndeclaredObjectChanged,
		BreakGlassOpened, BreakGlassUsed, BreakGlassEnded, BreakGlassApproved, BreakGlassRefused, Held,
	}
}
