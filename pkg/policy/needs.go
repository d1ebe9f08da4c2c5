package policy

import (
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Needs is what a decision has to know of the cluster, besides the request:
// facts that cost a read, so that few requests should need them.
type Needs struct {
	Owner      bool // Request.Owner
	PodAccount bool // Request.PodAccount
}

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
		needs.Owner = needs.Owner || (snap != nil && snap.Lookup(req.Key) == nil && g.needsOwner(&req, actor) && c.match(g) != no)
	}
	return needs
}

// needsOwner reports whether it matters whom an undeclared object belongs to.
func (g *Guard) needsOwner(req *Request, actor Actor) bool {
	if effectOf(req.Subresource).effect == passive || req.Operation == Connect {
		return false
	}
	deleted := req.Operation == Delete || effectOf(req.Subresource).effect == deletes
	return g.derivedAction(actor, deleted) != objectAction(g, actor)
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
