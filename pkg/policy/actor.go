package policy

import (
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Actor is the kind of user.
type Actor string

// The actors. Person is anyone who is nothing else: administrators too.
const (
	Agent          Actor = "Agent"
	System         Actor = "System"
	ServiceAccount Actor = "ServiceAccount"
	Person         Actor = "Person"
)

// Agents are the users that discovery found the sync agents to write as, by
// name. Guards with agents.discover trust them.
type Agents map[string]Syncer

// Syncer is what an agent's user is trusted for: the objects of its sources,
// and what no source declares.
type Syncer struct {
	Sources []string // names of sources, in order

	// Impersonated is true for a user that is not the agent's own: somebody
	// else may be this user too, so it has no say in what is guarded.
	Impersonated bool
}

// actor is who the guard takes the user of the request for.
func (c *decision) actor(g *Guard) Actor {
	u := c.req.User
	switch {
	case g.system.has(u):
		return System
	case g.agents.has(u), g.discover && c.syncs(g):
		return Agent
	case strings.HasPrefix(u.Name, serviceAccountPrefix):
		return ServiceAccount
	}
	return Person
}

// syncs reports whether the user is an agent's, and the object is for it to
// bring. Git may declare an object that the index doesn't have yet, so one
// that is not declared is.
func (c *decision) syncs(g *Guard) bool {
	syncer, ok := c.agents[c.req.User.Name]
	if !ok {
		return false
	}
	declared := c.snap.Lookup(c.req.Key)
	if declared != nil {
		return c.declares(syncer.Sources, declared)
	}
	if !syncer.Impersonated {
		return true
	}
	return !isOwn(c.req.Key) && !c.borrows(g)
}

// declares reports whether one of the sources declares the object, be it that
// another is used.
func (c *decision) declares(sources []string, declared *gitindex.Declared) bool {
	has := func(source string) bool { _, ok := slices.BinarySearch(sources, source); return ok }
	return has(declared.Origin.Source) || slices.ContainsFunc(c.snap.Conflicts(), func(conflict gitindex.Conflict) bool {
		return conflict.Key == declared.Key && has(conflict.Other.Source)
	})
}

// borrows reports whether the request would let its user act as somebody trusted.
func (c *decision) borrows(g *Guard) bool {
	if who, ok := c.credentials(); ok {
		return c.trusts(g, who.user)
	}
	_, ok := c.lends(g)
	return ok
}
