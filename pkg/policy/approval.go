package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// missing is how many others have to agree to the emergency before it permits
// anything that the guard guards. It may have been opened where another guards.
func (g *Guard) missing(e *Emergency) int {
	return max(0, max(e.Approvers, g.breakGlass.approvers)-len(e.Approvals))
}

// waiting is the emergency that would be current if others agreed; nil if there
// is none.
func (c *decision) waiting(g *Guard) *Emergency {
	for _, e := range []*Emergency{c.req.BreakGlass.Object, c.req.BreakGlass.Namespace} {
		if c.active(e) != nil && g.missing(e) > 0 {
			return e
		}
	}
	return nil
}

// approval is what the request says to agree to an emergency; empty if it says
// nothing new. What is made with the annotation agrees to nothing: it was copied.
func (c *decision) approval() string {
	if !AsksForApproval(c.req) || !c.carriesAnnotations() {
		return ""
	}
	return approvalOf(c.req.Object)
}

func approvalOf(object []byte) string {
	return annotationsIn(object)[v1alpha1.BreakGlassApproveAnnotation]
}

// AsksForApproval reports whether it counts if the request's user has the verb
// approve-break-glass.
func AsksForApproval(req *Request) bool {
	approval := approvalOf(req.Object)
	return req.Operation == Update && approval != "" && approval != approvalOf(req.OldObject)
}

// agreesAgain reports whether somebody may have meant to agree by the same words
// as somebody before, by which nothing changes.
func agreesAgain(req *Request, v Verdict) bool {
	approval := approvalOf(req.OldObject)
	return v.Reason == Unchanged && v.Actor == Person && approval != "" && approval == approvalOf(req.Object)
}

// early reports whether a request that opens, changes or ends an emergency departs
// from Git by the way, before others have agreed.
func (c *decision) early(g *Guard, v Verdict, use *EmergencyUse) bool {
	e := use.Emergency
	if use.Terms != nil {
		e = c.asked(use)
	}
	return v.Outcome == Deny && g.missing(e) > 0 && !c.changesNothing()
}

// asked is the emergency as the request asks for it.
func (c *decision) asked(use *EmergencyUse) *Emergency {
	terms, open := use.Terms, use.Emergency
	e := &Emergency{Object: c.req.Key, Until: terms.Until, Approvers: terms.Approvers, Code: terms.Code}
	if open != nil && terms.Code == open.Code {
		e.Approvals = open.Approvals
	}
	return e
}

// changesNothing reports whether the request changes notes alone, which can be told
// also where nothing is known of Git.
func (c *decision) changesNothing() bool {
	change, err := c.allChanges()
	return err == nil && !change.Any
}

// approve is what becomes of a request that agrees to an emergency.
func (c *decision) approve(g *Guard, v Verdict) Verdict {
	use := g.use()
	use.Emergency = c.active(c.req.BreakGlass.Object)
	v.Outcome, v.Reason, v.Emergency = Allow, BreakGlassApproved, use
	if c.disapproval(&v) != nil {
		v.Outcome, v.Reason = Deny, BreakGlassRefused
	}
	return v
}

// disapproval is why a request doesn't agree to an emergency; nil if it does.
func (c *decision) disapproval(v *Verdict) error {
	e, user := v.Emergency.Emergency, c.req.User.Name
	before, after := c.annotations()
	switch glass := c.req.BreakGlass; {
	case before != after:
		return errors.New("the request changes its terms, too: agree by a request of its own")
	case e == nil && glass.Unrecorded != nil:
		return fmt.Errorf("its record can't be read: %w", glass.Unrecorded)
	case e == nil:
		return errors.New("there is none")
	case v.Actor != Person:
		return errors.New("that is for people, and no service account's to do")
	case user == e.By || user == e.AskedBy:
		return fmt.Errorf("%s asked for it, and it takes somebody else", user)
	case glass.Problem != nil:
		return glass.Problem
	case !glass.MayApprove:
		return fmt.Errorf("it takes the verb %s on %s, which %s hasn't got", v1alpha1.ApproveBreakGlassVerb, glass.Resource, user)
	case slices.Contains(e.Approvals, user):
		return fmt.Errorf("%s has agreed already", user)
	}
	if code, _, _ := strings.Cut(c.approval(), "-"); code != e.Code {
		return fmt.Errorf("%q isn't its code; %s, and its code is %s", code, askedFor(e), e.Code)
	}
	return nil
}

// askedFor says what there is to agree to.
func askedFor(e *Emergency) string {
	return fmt.Sprintf("%s asks for it until %s, and says why: %s", e.AskedBy, moment(e.Until), strings.TrimSuffix(e.Reason, "."))
}

// approvedMessage is what somebody reads who agreed to an emergency.
func (c *decision) approvedMessage(g *Guard, use *EmergencyUse) string {
	e := *use.Emergency
	e.Approvers = max(e.Approvers, use.Approvers)
	e.Approvals = append(slices.Clone(e.Approvals), c.req.User.Name)
	said := "agreed"
	if c.req.DryRun {
		said = "would agree"
	}
	said = fmt.Sprintf("gitonly: %s %s with %s: %s", c.req.User.Name, said, e.AskedBy, c.brokenFor(e.Until, g.missing(&e)))
	if g.missing(&e) == 0 || c.req.DryRun {
		return said
	}
	return said + toAgree(&e)
}

// waitingMessage says what an emergency waits for.
func (g *Guard) waitingMessage(e *Emergency) string {
	return fmt.Sprintf("The emergency of %s permits nothing until %s; %s.%s", e.Object, others(g.missing(e)), askedFor(e), toAgree(e))
}

// others says how many people have to agree.
func others(missing int) string {
	if missing == 1 {
		return "1 other person with the verb " + v1alpha1.ApproveBreakGlassVerb + " agrees"
	}
	return fmt.Sprintf("%d other people with the verb %s agree", missing, v1alpha1.ApproveBreakGlassVerb)
}

// toAgree is the line that says how to agree to an emergency. The same words twice
// would change nothing: each approver's are others.
func toAgree(e *Emergency) string {
	words := e.Code
	if n := len(e.Approvals); n > 0 {
		words = fmt.Sprintf("%s-%d", e.Code, n+1)
	}
	return fmt.Sprintf("\nTo agree: kubectl annotate %s --overwrite %s=%s", kubectlName(e.Object), v1alpha1.BreakGlassApproveAnnotation, words)
}

// kubectlName names an object to kubectl.
func kubectlName(key gitindex.Key) string {
	kind := strings.ToLower(key.Kind)
	if strings.Contains(key.Group, ".") {
		kind += "." + key.Group // another group may have a kind of that name
	}
	if key.Namespace == "" {
		return kind + "/" + key.Name
	}
	return kind + "/" + key.Name + " -n " + key.Namespace
}
