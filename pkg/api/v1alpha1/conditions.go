package v1alpha1

// ConditionReady is True while a GitSource's declared objects are those of
// the revision that its ref names, or while a GuardPolicy takes part in
// decisions.
const ConditionReady = "Ready"

// Reasons of a GitSource's Ready condition.
const (
	// ReasonRendered: every path is rendered from the newest revision. (True)
	ReasonRendered = "Rendered"
	// ReasonPending: nothing is fetched yet. (Unknown)
	ReasonPending = "Pending"
	// ReasonFetchFailed: the repository or the ref couldn't be read; what was
	// rendered before still counts. (False)
	ReasonFetchFailed = "FetchFailed"
	// ReasonRenderFailed: a path couldn't be rendered; its last good objects
	// still count. (False)
	ReasonRenderFailed = "RenderFailed"
	// ReasonDiscoveryFailed: the agent's objects couldn't be read, or no source
	// could be made of some. (False)
	ReasonDiscoveryFailed = "DiscoveryFailed"
	// ReasonConflict: an object is declared more than once. (False)
	ReasonConflict = "Conflict"
)

// Reasons of a GuardPolicy's Ready condition.
const (
	// ReasonApplied: requests are decided by this generation. (True)
	ReasonApplied = "Applied"
	// ReasonInvalid: the policy can't be used as it is written. (False)
	ReasonInvalid = "Invalid"
)
