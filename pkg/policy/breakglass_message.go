package policy

import (
	"cmp"
	"fmt"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// emergencyMessage is what the user of a request reads that has to do with an
// emergency.
func (c *decision) emergencyMessage(g *Guard, v *Verdict) string {
	use := v.Emergency
	lead := "gitonly: "
	if v.Outcome == Warn {
		lead = "gitonly: would be refused, but for Audit mode: "
	}
	switch v.Reason {
	case BreakGlassOpened:
		said := fmt.Sprintf("%sthe glass is broken for %s until %s. What is done meanwhile is recorded.", lead, c.reach(), moment(use.Terms.Until))
		if use.Terms.Hold {
			said += "\nThe sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation."
		}
		return said
	case BreakGlassUsed:
		by := "BreakGlass " + use.Emergency.Name
		if use.Emergency.Name == "" {
			by = "its annotation"
		}
		return fmt.Sprintf("%s%s departs from Git, as %s permits until %s. This is recorded.", lead, c.req.Key, by, moment(use.Emergency.Until))
	case BreakGlassEnded:
		return fmt.Sprintf("%sthe emergency of %s is over: the sync agent may take back what departs from Git.", lead, c.reach())
	case Held:
		return c.heldMessage(v)
	}
	return lead + c.refusedMessage(g, v)
}

// reach is what an emergency of the request's object is for.
func (c *decision) reach() string {
	if isNamespace(c.req.Key) {
		return "everything in " + c.req.Key.String()
	}
	return c.req.Key.String()
}

// refusedMessage says why the glass can't be broken.
func (c *decision) refusedMessage(g *Guard, v *Verdict) string {
	what := "the glass can't be broken for " + c.reach()
	_, after := c.annotations()
	if after.Reason == "" && v.Emergency.Emergency != nil {
		what = "the emergency of " + c.reach() + " can't be ended"
	} else if _, err := c.terms(g, after, v.Emergency.Emergency); err != nil {
		return what + ": " + err.Error() + "."
	}
	return fmt.Sprintf("%s: %s. %s", what, c.lacking(), askFor(g))
}

// lacking says that the user may not break the glass.
func (c *decision) lacking() string {
	if problem := c.req.BreakGlass.Problem; problem != nil {
		return problem.Error()
	}
	return fmt.Sprintf("it takes the verb %s on %s, which %s hasn't got", v1alpha1.BreakGlassVerb, c.req.BreakGlass.Resource, c.req.User.Name)
}

func askFor(g *Guard) string {
	return "Ask " + cmp.Or(g.breakGlass.contact, "somebody who has it") + "."
}

// heldMessage says who holds an object, why, and until when.
func (c *decision) heldMessage(v *Verdict) string {
	e := v.Emergency.Emergency
	lead := "gitonly: "
	if v.Outcome == Warn {
		lead = "gitonly: would be refused, but for Audit mode: "
	}
	if v.Emergency.Behind {
		return lead + c.behindMessage(v)
	}
	lines := []string{fmt.Sprintf("%s%s is held until %s: %s broke the glass, and says why: %s.", lead, c.req.Key, moment(e.Until), e.By, strings.TrimSuffix(e.Reason, "."))}
	if len(v.Differences) > 0 {
		lines = append(lines, "This request would take back what was changed since:")
	}
	for i, d := range v.Differences {
		if i == shownDifferences {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(v.Differences)-i))
			break
		}
		lines = append(lines, "  "+d.Path+": "+heldSaying(v, d))
	}
	return strings.Join(append(lines, fmt.Sprintf("It ends by itself then, or when Git says the same. See BreakGlass %s.", e.Name)), "\n")
}

// behindMessage says that the agent applies what Git said before it had what was
// changed.
func (c *decision) behindMessage(v *Verdict) string {
	lines := []string{fmt.Sprintf("%s is held: Git has by now what was changed in the emergency, and this request is of an older revision:", c.req.Key)}
	for i, d := range v.Differences {
		if i == shownDifferences {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(v.Differences)-i))
			break
		}
		said := "the request takes it away"
		switch {
		case d.Git.Hidden || d.New.Hidden:
			said = "the request departs from Git's value (not shown)"
		case d.Git.Present && d.New.Present:
			said = fmt.Sprintf("Git says %s, the request says %s", d.Git.Text, d.New.Text)
		}
		lines = append(lines, "  "+d.Path+": "+said)
	}
	return strings.Join(append(lines, fmt.Sprintf("The newest revision passes. See BreakGlass %s.", v.Emergency.Emergency.Name)), "\n")
}

// heldSaying is what Git says, and what the emergency does.
func heldSaying(v *Verdict, d fields.Difference) string {
	says := "the emergency removed it"
	if d.New.Present {
		says = "the emergency says " + d.New.Text
	}
	switch {
	case d.Git.Hidden || d.New.Hidden:
		return "it departs from Git's value (not shown)"
	case d.Declared && d.Git.Present:
		return fmt.Sprintf("Git says %s, %s", d.Git.Text, says)
	case v.Declared != nil && v.Declared.Recorded: // nobody can tell what Git says
		return says
	}
	return "not in Git, " + says
}

// way is what a refused person may do in an emergency, as a message's last
// lines; empty if there is nothing to say.
func (c *decision) way(g *Guard, v *Verdict) string {
	glass := c.req.BreakGlass
	if glass == nil || v.Outcome != Deny || v.Actor != Person || v.Reason == TrustedIdentityTaken || g.breakGlass.max <= 0 || isRecord(c.req.Key) {
		return ""
	}
	if e := c.current(); e != nil {
		return fmt.Sprintf("\nThe glass is broken for %s until %s, but %s. %s", e.Object, moment(e.Until), c.lacking(), askFor(g))
	}
	if glass.Unrecorded != nil && g.breakGlass.unrecorded == v1alpha1.Deny {
		return fmt.Sprintf("\nNo emergency counts while its record can't be read (breakGlass.unrecorded: Deny): %v.", glass.Unrecorded)
	}
	lead := "\nIn an emergency"
	switch {
	case glass.Object != nil:
		lead = fmt.Sprintf("\nThe emergency of %s is over since %s. In another", c.req.Key, moment(glass.Object.Until))
	case glass.Namespace != nil:
		lead = fmt.Sprintf("\nThe emergency of %s is over since %s. In another", glass.Namespace.Object, moment(glass.Namespace.Until))
	case glass.Annotation.Reason != "" && glass.Unrecorded == nil:
		lead = fmt.Sprintf("\nThe annotation %s that is there permits nothing: gitonly let nobody set it. In an emergency", v1alpha1.BreakGlassAnnotation)
	}
	if glass.Problem != nil {
		return fmt.Sprintf("%s, nobody can be let depart from Git: %v.", lead, glass.Problem)
	}
	if !glass.Permitted {
		right := fmt.Sprintf("the verb %s on %s", v1alpha1.BreakGlassVerb, glass.Resource)
		if contact := g.breakGlass.contact; contact != "" {
			return fmt.Sprintf("%s, ask %s: it takes %s.", lead, contact, right)
		}
		return fmt.Sprintf("%s, somebody with %s can let this pass.", lead, right)
	}
	if glass.Unseen != nil {
		untold := fmt.Sprintf("whether %s has the annotation can't be told: %v.", c.req.Key, glass.Unseen)
		if c.req.Key.Namespace == "" {
			return fmt.Sprintf("%s, nobody can be let depart from Git: %s", lead, untold)
		}
		return fmt.Sprintf("%s, annotate Namespace %s with %s: \"<why>\": %s", lead, c.req.Key.Namespace, v1alpha1.BreakGlassAnnotation, untold)
	}
	on := "it"
	if c.operation == Create || isNamespace(c.req.Key) && c.operation == Delete {
		on = c.req.Key.String()
	}
	return fmt.Sprintf("%s, annotate %s with %s: \"<why>\" (you may).", lead, on, v1alpha1.BreakGlassAnnotation)
}
