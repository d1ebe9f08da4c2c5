package policy

import (
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/policy/fields"
)

// hold refuses an agent's write that would take back what was changed in an
// emergency. Its other writes pass.
func (c *decision) hold(g *Guard, v Verdict) Verdict {
	for _, e := range []*Emergency{c.req.BreakGlass.Object, c.req.BreakGlass.Namespace} {
		if e == nil || !e.Hold {
			continue
		}
		if g.missing(e) > 0 { // others have to agree anew
			before := *e
			if before.HeldUntil.Before(e.Until) {
				before.Until = before.HeldUntil
			}
			e = &before
		}
		use := &EmergencyUse{Emergency: e}
		var differences []fields.Difference
		held, active := false, c.active(e) != nil
		if active {
			differences, held = c.takesBack(e)
		}
		if !held && (active || c.req.At.Before(e.Settled)) {
			differences = c.fallsBehind(e)
			use.Behind = len(differences) > 0
		}
		if held || use.Behind {
			v.Outcome, v.Reason, v.Differences, v.Emergency = Deny, Held, differences, use
			return v
		}
	}
	return v
}

// takesBack reports whether the request takes something back that was changed in
// the emergency, and which fields those are.
func (c *decision) takesBack(e *Emergency) (differences []fields.Difference, held bool) {
	changed, ok := c.changedIn(e)
	switch c.operation {
	case Create:
		return nil, ok && changed.Deleted
	case Delete:
		return nil, ok || e.Object == c.req.Key
	case Connect:
		return nil, false
	}
	before, after := c.annotations()
	unmarks := e.Object == c.req.Key && before != after
	if !ok {
		return nil, unmarks
	}
	// Seen from the other end, the fields that depart from Git are those that
	// the request takes back.
	back := fields.Update{Type: c.written(), Declared: silence(), Old: c.req.Object, New: c.req.OldObject, Part: c.part}
	declared := c.snap.Lookup(c.req.Key)
	if declared != nil && !declared.Recorded {
		update, err := c.update(declared)
		if err != nil {
			return nil, true
		}
		back, back.Old, back.New, back.Tracked = update, c.req.Object, c.req.OldObject, false
	}
	change, err := c.types.Compare(back)
	if err != nil {
		return nil, true // it can't be told apart from what would
	}
	differences = changed.among(change.Differences)
	if unmarks && len(differences) == 0 && len(e.Changed) == 1 && declared != nil && c.agrees(changed) {
		unmarks = false // Git has caught up: an agent that replaces the object ends the emergency by that
	}
	return differences, unmarks || len(differences) > 0
}

// agrees reports whether what was changed of the object is what Git says by now.
func (c *decision) agrees(changed Changed) bool {
	departs, err := Departures(c.types, c.snap, c.req.Key, c.req.Type.Version, c.req.OldObject, changed.Fields)
	return err == nil && len(departs) == 0
}

// fallsBehind are the fields that were changed in the emergency, that Git has
// since, and that the request takes away again: the agent is at an older
// revision, as when it tries again what was refused.
func (c *decision) fallsBehind(e *Emergency) []fields.Difference {
	changed, ok := c.changedIn(e)
	declared := c.snap.Lookup(c.req.Key)
	if !ok || c.operation != Update || c.req.Subresource != "" || declared == nil || !c.agrees(changed) {
		return nil
	}
	update, err := c.update(declared)
	if err != nil {
		return nil
	}
	update.Tracked = false
	change, err := c.types.Compare(update)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(changed.among(change.Differences), func(d fields.Difference) bool { return !d.Declared })
}

// among are those of the differences that are in fields which were changed.
func (c Changed) among(all []fields.Difference) (differences []fields.Difference) {
	for _, d := range all {
		if slices.ContainsFunc(c.Fields, func(field string) bool { return overlap(field, d.Path) }) {
			differences = append(differences, d)
		}
	}
	return differences
}

// overlap reports whether one of two paths is the other, or is inside it. "*"
// is every path.
func overlap(a, b string) bool {
	return a == "*" || inside(a, b) || inside(b, a)
}

func inside(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
