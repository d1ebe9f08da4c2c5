package policy

import (
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/policy/fields"
)

// hold refuses an agent's write that would take back what was changed in an
// emergency. Its other writes pass.
func (c *decision) hold(v Verdict) Verdict {
	for _, e := range []*Emergency{c.req.BreakGlass.Object, c.req.BreakGlass.Namespace} {
		if e = c.active(e); e == nil || !e.Hold {
			continue
		}
		differences, held := c.takesBack(e)
		if held {
			v.Outcome, v.Reason, v.Differences, v.Emergency = Deny, Held, differences, &EmergencyUse{Emergency: e}
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
	if before, after := c.annotations(); e.Object == c.req.Key && before != after {
		return nil, true
	}
	if !ok {
		return nil, false
	}
	// Seen from the other end, the fields that depart from Git are those that
	// the request takes back.
	back := fields.Update{Type: c.written(), Declared: []byte("{}"), Old: c.req.Object, New: c.req.OldObject, Part: c.part}
	if declared := c.snap.Lookup(c.req.Key); declared != nil && !declared.Recorded {
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
	for _, d := range change.Differences {
		if slices.ContainsFunc(changed.Fields, func(field string) bool { return overlap(field, d.Path) }) {
			differences = append(differences, d)
		}
	}
	return differences, len(differences) > 0
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
