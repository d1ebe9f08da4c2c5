package policy

import (
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// owner is the declaration of the object that an undeclared one belongs to:
// the end of its chain of controllers, or the one that has a controller make it
// under this very name.
func (c *decision) owner() *gitindex.Declared {
	if claimed := c.snap.Claim(c.req.Key); claimed != nil {
		return claimed
	}
	if c.req.Owner == (gitindex.Key{}) {
		return nil
	}
	return c.snap.Lookup(c.req.Owner)
}

// derived decides for an object that belongs to a declared one; ok is false if
// it belongs to none.
func (c *decision) derived(g *Guard, actor Actor) (v Verdict, ok bool) {
	owner := c.owner()
	if owner == nil || c.isExtraJob(owner) {
		return Verdict{}, false
	}
	v = Verdict{Reason: DerivedObjectChanged, Declared: owner}
	if c.operation == Delete {
		v.Reason = DerivedObjectDeleted
	}
	switch {
	case g.derivedAction(actor, c.operation == Delete) == v1alpha1.Allow:
		v.Outcome = Allow
	case c.operation != Create && c.beingDeleted():
		v = Verdict{Outcome: Allow, Reason: BeingDeleted}
	case c.operation == Update:
		return c.whatChanges(g, v), true
	}
	return v, true
}

// isExtraJob reports whether somebody makes a Job of a CronJob by hand: that runs
// beside the declared ones, and takes the place of none.
func (c *decision) isExtraJob(owner *gitindex.Declared) bool {
	return c.operation == Create && c.req.Key.Kind == "Job" && c.req.Key.Group == "batch" && owner.Key.Kind == "CronJob"
}

// whatChanges lists the changes of an object that Git is silent about in v, the
// verdict on them. If nothing changes, that is the verdict.
func (c *decision) whatChanges(g *Guard, v Verdict) Verdict {
	change, err := c.allChanges()
	switch {
	case err != nil:
		return c.undecidable(g, err)
	case !change.Any:
		return Verdict{Outcome: Allow, Reason: Unchanged}
	}
	v.Differences = change.Differences
	return v
}
