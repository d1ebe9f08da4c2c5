package policy

import (
	"cmp"
	"fmt"
	"strings"
	"time"

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
		return lead + c.openedMessage(g, use)
	case BreakGlassApproved:
		return c.approvedMessage(g, use)
	case BreakGlassUsed:
		by := "BreakGlass " + use.Emergency.Name
		if use.Emergency.Name == "" {
			by = "its annotation"
		}
		said := fmt.Sprintf("%s%s departs from Git, as %s permits until %s. %s", lead, c.req.Key, by, moment(use.Emergency.Until), c.recorded("This is recorded."))
		if c.operation == Delete && use.Emergency.Object == c.req.Key {
			said += "\nThe emergency is over with it, and the sync agent may make it again."
			if c.req.Key.Namespace != "" {
				said += fmt.Sprintf(" To keep an object away, annotate Namespace %s before it is deleted: %s.", c.req.Key.Namespace, v1alpha1.BreakGlassAnnotation)
			}
		}
		return said
	case BreakGlassEnded:
		over := "is"
		if c.req.DryRun {
			over = "would be"
		}
		return fmt.Sprintf("%sthe emergency of %s %s over: the sync agent may take back what departs from Git.", lead, c.reach(), over)
	case Held:
		return c.heldMessage(v)
	}
	return lead + c.refusedMessage(g, v)
}

// recorded is what is said of what is recorded, which dry runs aren't.
func (c *decision) recorded(said string) string {
	if c.req.DryRun {
		return "This is a dry run: nothing is recorded."
	}
	return said
}

// openedMessage is what somebody reads who breaks the glass, or changes its terms.
func (c *decision) openedMessage(g *Guard, use *EmergencyUse) string {
	terms, asked := use.Terms, c.asked(use)
	missing := g.missing(asked)
	said := c.brokenFor(terms.Until, missing)
	if missing > 0 {
		said += " Nothing is permitted before."
		if terms.Hold && c.req.At.Before(terms.HeldUntil) {
			said += fmt.Sprintf(" The sync agent is kept until %s from taking back what was changed so far.", moment(terms.HeldUntil))
		}
	}
	switch {
	case c.req.DryRun:
	case missing > 0:
		said += toAgree(asked)
	case terms.Hold:
		said += "\nThe sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation."
	}
	return said
}

// brokenFor says that the glass is broken, or will be once others agree.
func (c *decision) brokenFor(until time.Time, missing int) string {
	is := "is"
	if c.req.DryRun {
		is = "would be"
	}
	if missing > 0 {
		return fmt.Sprintf("the glass %s broken for %s until %s as soon as %s.", is, c.reach(), moment(until), others(missing))
	}
	return fmt.Sprintf("the glass %s broken for %s until %s. %s", is, c.reach(), moment(until), c.recorded("What is done meanwhile is recorded."))
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
	if name := misspelt(c.req); name != "" && v.Actor == Person {
		return fmt.Sprintf("%s is no annotation of gitonly's, which are %s.", name, strings.Join(glassAnnotations, ", "))
	}
	if c.approval() != "" {
		return fmt.Sprintf("%s can't agree to an emergency of %s: %s.", c.req.User.Name, c.reach(), c.disapproval(v))
	}
	_, after := c.annotations()
	if after.Reason == "" && v.Emergency.Emergency != nil {
		what = "the emergency of " + c.reach() + " can't be ended"
	} else if _, err := c.terms(g, after, v.Emergency.Emergency); err != nil {
		return what + ": " + err.Error() + "."
	}
	if c.req.BreakGlass.Permitted {
		said := what + " by a request that departs from Git, before others agree: change the annotation alone."
		if c.operation == Create && c.req.Key.Namespace != "" {
			said = fmt.Sprintf("%s by making it, before others agree: annotate Namespace %s.", what, c.req.Key.Namespace)
		}
		return said
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
	switch {
	case len(v.Differences) > 0:
		lines = append(lines, "This request would take back what was changed since:")
	case c.operation == Create:
		lines = append(lines, "This request would bring back what was deleted since.")
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
	if e := c.current(g); e != nil {
		return fmt.Sprintf("\nThe glass is broken for %s until %s, but %s. %s", e.Object, moment(e.Until), c.lacking(), askFor(g))
	}
	if e := c.waiting(g); e != nil {
		return "\n" + g.waitingMessage(e)
	}
	if use := g.use(); glass.Unrecorded != nil && use.Unrecorded == v1alpha1.Deny {
		return fmt.Sprintf("\nNo emergency counts while its record can't be read (%s): %v.", use.mustRecord(), glass.Unrecorded)
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
