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
	// ReasonUnverified: the revision isn't signed as spec.git.verify asks; what was
	// rendered before still counts. (False)
	ReasonUnverified = "Unverified"
	// ReasonRenderFailed: a path couldn't be rendered; its last good objects
	// still count. (False)
	ReasonRenderFailed = "RenderFailed"
	// ReasonDiscoveryFailed: the agent's objects couldn't be read, or no source
	// could be made of some. (False)
	ReasonDiscoveryFailed = "DiscoveryFailed"
	// ReasonNotInstalled: the agent is not in the cluster, yet; there is nothing
	// of its to look at. (False)
	ReasonNotInstalled = "NotInstalled"
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

// ConditionAgents is True while a GuardPolicy has agents, and each of them that
// can be looked up exists.
const ConditionAgents = "Agents"

// ConditionNames is True while each built-in kind and field that a GuardPolicy
// names exists.
const ConditionNames = "Names"

// Reasons of a GuardPolicy's Agents and Names conditions.
const (
	// ReasonFound: all that is named is there. (True)
	ReasonFound = "Found"
	// ReasonNoAgents: nobody can bring Git's changes. (False)
	ReasonNoAgents = "NoAgents"
	// ReasonAgentNotFound: a service account that is named doesn't exist. (False)
	ReasonAgentNotFound = "AgentNotFound"
	// ReasonUnreadable: gitonly can't look it up. (Unknown)
	ReasonUnreadable = "Unreadable"
	// ReasonUnknownName: Kubernetes has no such kind or field. (False)
	ReasonUnknownName = "UnknownName"
)
