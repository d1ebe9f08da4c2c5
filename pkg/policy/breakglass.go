package policy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// BreakGlass is what is known of the emergencies that a request may be part of,
// and of what its user may do.
type BreakGlass struct {
	Object    *Emergency // that the object's annotation stands for; nil if it stands for none
	Namespace *Emergency // the same of its Namespace

	// Repeated is that for which the annotation stands that the request sets, and
	// not the one before; nil if there is none. The API server reviews a request
	// again that met another write.
	Repeated *Emergency

	Resource   string // of the object, as RBAC names it: deployments.apps
	Permitted  bool   // the user has the verb break-glass on the object
	MayApprove bool   // and approve-break-glass; asked where the request agrees to an emergency
	Problem    error  // why that could not be asked; nil if it was

	Code string // by which others agree to the terms that the request asks for

	// Annotation is what says so on the object, or else on its Namespace. It
	// counts by itself where Unrecorded says why emergencies can't be read.
	Annotation Annotation
	Unrecorded error

	Unseen error // why the object's annotation can't be read; nil if it can
}

// Emergency is a time in which an object, or all in a Namespace, may depart from
// Git. It is over at Until.
type Emergency struct {
	Name        string // of its BreakGlass
	Object      gitindex.Key
	UID         types.UID
	Reason, By  string
	From, Until time.Time
	Ended       bool      // Until is when somebody ended it, by that replica's clock
	Asked       time.Time // the end that its annotation asks for; zero if it asks for none
	Hold        bool      // the agent may not take back what is changed
	HeldUntil   time.Time // until when it may not although others have to agree anew; zero if it may
	Settled     time.Time // until when the agent may not go behind what Git has since; zero if Git never caught up
	Changed     []Changed

	AskedBy   string   // who asked for its terms as they are
	Approvers int      // how many others have to agree to them
	Approvals []string // who has
	Code      string   // by which they agree
}

// Changed is an object that was changed in an emergency.
type Changed struct {
	Key     gitindex.Key
	Deleted bool
	Fields  []string // paths; "*" stands for all
}

// EmergencyUse is what a verdict has to do with an emergency.
type EmergencyUse struct {
	Emergency *Emergency // that permits the request, or holds its object; nil if the request opens one

	// Terms are those of an emergency that the request opens, or those that it
	// gets; nil if the request sets none.
	Terms *Terms

	Behind     bool            // the agent applies an older revision than the one that has what was changed
	Without    Reason          // by which the request would be refused; empty if it would pass
	Unrecorded v1alpha1.Action // what becomes of the request if it can't be recorded
	Approvers  int             // how many others have to agree to an emergency; if any, Unrecorded is Deny
}

// KeepRecords is how long the record of an emergency stays after that is over:
// as long as any policy says, and forever without one.
func (p Policy) KeepRecords() time.Duration {
	if len(p.Guards) == 0 {
		return math.MaxInt64
	}
	return slices.MaxFunc(p.Guards, func(a, b Guard) int { return cmp.Compare(a.breakGlass.keep, b.breakGlass.keep) }).breakGlass.keep
}

// AsksForBreakGlass reports whether the verdict on a request may be another if
// its BreakGlass is known, or says more.
func AsksForBreakGlass(req *Request, v Verdict) bool {
	switch {
	case v.Reason == NotGuarded, v.Actor == System, isRecord(req.Key):
		return false
	case v.Actor != Agent && v.Outcome != Allow:
		return true
	}
	before := AnnotationOf(req.OldObject)
	if v.Actor == Agent {
		return before.Reason != "" || req.Namespace != nil && req.Namespace.Annotations[v1alpha1.BreakGlassAnnotation] != ""
	}
	if req.Operation == Delete {
		return false
	}
	return before != AnnotationOf(req.Object) || approvalOf(req.OldObject) != approvalOf(req.Object) || agreesAgain(req, v) || misspelt(req) != ""
}

// breakGlass is what becomes of a guard's verdict in an emergency.
func (c *decision) breakGlass(g *Guard, v Verdict) Verdict {
	if c.req.BreakGlass == nil || v.Actor == System || isRecord(c.req.Key) {
		return v
	}
	if v.Actor == Agent {
		return c.hold(g, v)
	}
	if v.Reason == TrustedIdentityTaken {
		return v // it would outlast any emergency
	}
	before, after := c.annotations()
	use := g.use()
	switch {
	case v.Actor == Person && c.carriesAnnotations() && misspelt(c.req) != "":
		v.Outcome, v.Reason, v.Emergency = Deny, BreakGlassRefused, use
		return v
	case c.approval() != "" && (v.Outcome != Deny || before != after || c.changesNothing()):
		return c.approve(g, v)
	}
	if v.Outcome != Allow {
		use.Without = v.Reason
	}
	own := c.active(c.req.BreakGlass.Object)
	if again := c.req.BreakGlass.Repeated; own == nil && again != nil && !again.Ended {
		own = c.active(again)
	}
	switch {
	case before == after:
		if e := c.waiting(g); e != nil && agreesAgain(c.req, v) {
			v.Message = "gitonly: this changes nothing, and agrees to nothing. " + g.waitingMessage(e)
		}
		if v.Outcome == Allow || !c.req.BreakGlass.Permitted {
			return v
		}
		if g.breakGlass.max <= 0 { // it may have been opened where another policy guards alone
			return v
		}
		if use.Emergency = c.current(g); use.Emergency == nil {
			use.Emergency = c.unrecorded(g)
		}
		if use.Emergency == nil {
			return v
		}
		v.Reason = BreakGlassUsed
	case own == nil && (after == Annotation{} || before.Reason != "" && after.Until == "" && (after.Reason == "" || after.Reason == before.Reason)):
		return v // it permits nothing any more: anybody may tidy up
	case after.Reason == "" && own != nil:
		use.Emergency, v.Reason = own, BreakGlassEnded
	case own == nil && c.req.BreakGlass.Permitted && v.Outcome == Allow && v.Reason == UndeclaredObjectChanged && !c.holdsDeclared():
		silent := "doesn't declare "
		if isNamespace(c.req.Key) {
			silent = "declares nothing in "
		}
		v.Message = fmt.Sprintf("gitonly: Git %s%s, and nobody has to break the glass for it: no emergency is recorded.", silent, c.req.Key)
		return v
	default:
		if own == nil && before.Until == after.Until && c.isPast(after.Until) {
			after.Until = "" // left over from the last one
		}
		terms, err := c.terms(g, after, own)
		if own == nil && c.isCopied(v) && (err != nil || !c.req.BreakGlass.Permitted) {
			v.Message = c.permitsNothing(g, err)
			return v
		}
		use.Emergency, v.Reason = own, BreakGlassOpened
		if err != nil {
			return Verdict{Reason: BreakGlassRefused, Actor: v.Actor, Mode: v.Mode, Policy: v.Policy, Declared: v.Declared, Emergency: use}
		}
		use.Terms = &terms
	}
	if !c.req.BreakGlass.Permitted || c.early(g, v, use) {
		v.Reason, v.Outcome, v.Emergency = BreakGlassRefused, Deny, use
		return v
	}
	v.Outcome, v.Emergency = Allow, use
	return v
}

// use is the part of an emergency in a verdict of the guard's.
func (g *Guard) use() *EmergencyUse {
	use := &EmergencyUse{Unrecorded: g.breakGlass.unrecorded, Approvers: g.breakGlass.approvers}
	if use.Approvers > 0 {
		use.Unrecorded = v1alpha1.Deny
	}
	return use
}

// current is the emergency that the request is part of: the object's own, or
// that of its Namespace; nil if there is none to which enough people agreed. To
// delete an object is the Namespace's before, as its own ends with it.
func (c *decision) current(g *Guard) *Emergency {
	known := []*Emergency{c.req.BreakGlass.Object, c.req.BreakGlass.Namespace}
	if c.operation == Delete {
		slices.Reverse(known)
	}
	for _, e := range known {
		if c.active(e) != nil && g.missing(e) == 0 {
			return e
		}
	}
	return nil
}

// unrecorded is the emergency that an annotation stands for while the records
// can't be read; nil if there is none, or the guard wants it recorded. Whoever
// is permitted could set the annotation again.
func (c *decision) unrecorded(g *Guard) *Emergency {
	glass := c.req.BreakGlass
	if glass.Unrecorded == nil || glass.Annotation.Reason == "" || g.use().Unrecorded == v1alpha1.Deny {
		return nil
	}
	terms, err := c.terms(g, glass.Annotation, nil)
	if err != nil {
		return nil
	}
	return &Emergency{Object: c.req.Key, Reason: terms.Reason, From: c.req.At, Until: terms.Until}
}

// active is the emergency, unless it is over. Its beginning isn't looked at: the
// clock of whoever opened it may be ahead.
func (c *decision) active(e *Emergency) *Emergency {
	if e == nil || !c.req.At.Before(e.Until) {
		return nil
	}
	return e
}

// together is one verdict of two guards with the same outcome: that of the one
// which has to do with an emergency, by the stricter terms.
func (v Verdict) together(other Verdict) Verdict {
	if v.Emergency == nil {
		return other
	}
	use := *v.Emergency
	if other.Emergency.Unrecorded == v1alpha1.Deny {
		use.Unrecorded = v1alpha1.Deny
	}
	use.Approvers = max(use.Approvers, other.Emergency.Approvers)
	if mine, theirs := v.Emergency.Terms, other.Emergency.Terms; mine != nil && theirs != nil {
		terms := *mine
		terms.Hold = terms.Hold || theirs.Hold
		terms.Approvers = max(terms.Approvers, theirs.Approvers)
		if theirs.Until.Before(terms.Until) {
			terms.Until, terms.Code, terms.HeldUntil = theirs.Until, theirs.Code, theirs.HeldUntil
		}
		use.Terms = &terms
	}
	v.Emergency = &use
	return v
}

// isRecord reports whether the object is an emergency's record.
func isRecord(key gitindex.Key) bool {
	return key.Group == v1alpha1.GroupVersion.Group && key.Kind == v1alpha1.BreakGlassKind
}

// record decides for an emergency's record.
func (c *decision) record() Verdict {
	if c.self != "" && c.req.User.Name == c.self {
		return Verdict{Outcome: Allow, Reason: UndeclaredObjectChanged}
	}
	return Verdict{Reason: AgentLeverChanged}
}

// changedIn is what was changed of the object in an emergency; ok is false if it
// was left alone.
func (c *decision) changedIn(e *Emergency) (Changed, bool) {
	i := slices.IndexFunc(e.Changed, func(changed Changed) bool { return changed.Key == c.req.Key })
	if i < 0 {
		return Changed{}, false
	}
	return e.Changed[i], true
}

// mustRecord is the setting by which nothing may go unrecorded.
func (u *EmergencyUse) mustRecord() string {
	if u.Approvers > 0 {
		return fmt.Sprintf("breakGlass.approvers: %d", u.Approvers)
	}
	return "breakGlass.unrecorded: Deny"
}

// Unrecorded is the verdict on a request whose emergency can't be recorded.
func Unrecorded(v Verdict, problem error) Verdict {
	if v.Emergency == nil || v.Outcome != Allow {
		return v
	}
	if v.Emergency.Unrecorded != v1alpha1.Deny {
		v.Message += fmt.Sprintf("\ngitonly: but the record can't be written: %v.", problem)
		return v
	}
	v.Outcome, v.Reason = Deny, BreakGlassRefused
	v.Message = fmt.Sprintf("gitonly: GuardPolicy %s permits nothing in an emergency that can't be recorded (%s): %v.", v.Policy, v.Emergency.mustRecord(), problem)
	return v
}
