package policy

import (
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Needs is what a decision has to know of the cluster, besides the request:
// facts that cost a read, so that few requests should need them.
type Needs struct {
	Owner      Need // Request.Owner
	PodAccount bool // Request.PodAccount
}

// Need is how much a fact matters.
type Need int

// The needs, least first.
const (
	Unneeded Need = iota
	AtHand        // it makes the reason better, and is not worth a read
	Wanted        // without it the request is refused, but nobody is told where to change what
	Required      // nothing can be decided without it
)

// NeedsOf tells which facts a decision on req depends on.
func NeedsOf(req Request, snap *gitindex.Snapshot, p Policy) Needs {
	var needs Needs
	c := newDecision(&req, snap, p)
	for i := range p.Guards {
		g := &p.Guards[i]
		actor := c.actor(g)
		if g.mode == v1alpha1.ModeOff || actor == System || actor == Agent {
			continue
		}
		needs.PodAccount = needs.PodAccount || c.needsPodAccount(g, actor)
		if snap != nil && snap.Lookup(req.Key) == nil && len(snap.Incomplete()) == 0 && c.match(g) != no {
			needs.Owner = max(needs.Owner, g.needsOwner(&req, actor))
		}
	}
	return needs
}

// needsOwner is how much it matters whom an undeclared object belongs to.
func (g *Guard) needsOwner(req *Request, actor Actor) Need {
	if effectOf(req.Subresource).effect == passive || req.Operation == Connect {
		return Unneeded
	}
	deleted := req.Operation == Delete || effectOf(req.Subresource).effect == deletes
	derived := g.derivedAction(actor, deleted)
	switch {
	case derived != objectAction(g, actor):
		return Required
	case derived == v1alpha1.Deny:
		return Wanted // it says where to change what
	case deleted:
		return AtHand
	}
	return Unneeded
}

// derivedAction is what becomes of a write to a derived object.
func (g *Guard) derivedAction(actor Actor, deleted bool) v1alpha1.Action {
	switch {
	case actor != Person:
		return v1alpha1.Allow
	case deleted:
		return g.derived.Delete
	}
	return g.derived.Update
}
