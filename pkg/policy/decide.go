package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Decide answers a request, given what Git declares. A nil snapshot is one that
// isn't there yet. Where several guards match, the strictest outcome wins, and
// the first of those with it.
func Decide(req Request, snap *gitindex.Snapshot, p Policy) Verdict {
	return newDecision(&req, snap, p).verdict(p.Guards)
}

// Consider answers as Decide does. Again answers as Decide does of the same request
// with this BreakGlass, and compares nothing with Git a second time.
func Consider(req Request, snap *gitindex.Snapshot, p Policy) (verdict Verdict, again func(*BreakGlass) Verdict) {
	c := newDecision(&req, snap, p)
	guards := p.Guards
	return c.verdict(guards), func(known *BreakGlass) Verdict {
		req.BreakGlass = known
		return c.verdict(guards)
	}
}

// verdict is that of these guards together.
func (c *decision) verdict(guards []Guard) Verdict {
	verdict := Verdict{Outcome: Allow, Reason: NotGuarded, Actor: Person}
	guarded := false
	for i := range guards {
		v, ok := c.by(&guards[i])
		if !ok {
			continue
		}
		switch {
		case !guarded, v.Outcome < verdict.Outcome:
			verdict = v
		case v.Outcome == verdict.Outcome && v.Emergency != nil:
			if verdict = verdict.together(v); verdict.Outcome == Allow {
				verdict.Message = c.emergencyMessage(&guards[i], &verdict)
			}
		}
		guarded = true
	}
	return verdict
}

// Undecided is the answer where deciding itself went wrong: Deny if any guard
// that might be for the object says so.
func Undecided(req Request, p Policy, problem error) Verdict {
	req.Problem = problem
	return Decide(req, nil, p)
}

// decision is a request being decided. What guards share is computed once.
type decision struct {
	req       *Request
	snap      *gitindex.Snapshot
	types     *fields.Types
	agents    Agents
	effect    effect
	operation Operation   // what the request does to the object: evicting a Pod deletes it
	part      fields.Part // of the object that the request can change
	faults    string      // Policy.Faults
	self      string      // Policy.Self

	base   *fields.Update // what guards' comparisons with Git have in common; nil until one is made
	shared *comparison    // by base; nil until a guard asks for it
	err    error
}

func newDecision(req *Request, snap *gitindex.Snapshot, p Policy) *decision {
	c := &decision{req: req, snap: snap, types: p.Types, agents: p.Agents, faults: p.Faults, self: p.Self, effect: updates, operation: req.Operation}
	if req.Subresource == "" {
		return c
	}
	sub := effectOf(req.Subresource)
	c.effect, c.part = sub.effect, sub.part
	switch sub.effect {
	case deletes:
		c.operation = Delete
	case updates:
		c.operation = Update
	}
	return c
}

// by is the verdict of one guard; ok is false if the object isn't its to guard.
func (c *decision) by(g *Guard) (v Verdict, ok bool) {
	if g.mode == v1alpha1.ModeOff {
		return Verdict{}, false
	}
	actor := c.actor(g)
	taken := c.taken(g, actor)
	m := c.match(g)
	if m == no && taken == nil && !isOwn(c.req.Key) && (c.req.Problem == nil || !c.needsPodAccount(g, actor)) {
		return Verdict{}, false
	}
	declared := c.snap.Lookup(c.req.Key)
	switch {
	case actor == System:
		v = Verdict{Outcome: Allow, Reason: SystemActor}
	case isRecord(c.req.Key): // not even the agent's: Git permits no emergency
		v = c.record()
	case actor == Agent:
		v = Verdict{Outcome: Allow, Reason: AgentActor}
	case taken != nil:
		v = Verdict{Reason: TrustedIdentityTaken}
	case isOwn(c.req.Key) && declared == nil:
		v = c.own(g, actor)
	case m == cannotTell:
		v = c.undecidable(g, errors.New("the labels of its namespace are not known"))
	default:
		v = c.rules(g, actor)
	}
	v.Actor, v.Mode, v.Policy = actor, g.mode, g.name
	if v.Declared == nil {
		v.Declared = declared
	}
	v = c.breakGlass(g, v)
	refused := v.Outcome == Deny
	if refused && g.mode == v1alpha1.ModeAudit {
		v.Outcome = Warn
	}
	switch {
	case v.Emergency != nil:
		v.Message = c.emergencyMessage(g, &v)
	case v.Outcome != Allow:
		v.Message = c.message(g, &v, taken, refused) + c.way(g, &v)
	}
	return v, true
}

// match tells whether the object is the guard's to guard.
func (c *decision) match(g *Guard) match {
	return g.guards(c.req.Key, c.req.Key.Namespace != "" || isNamespace(c.req.Key), c.namespaceLabels(g))
}

// rules decides for actors that nothing exempts.
func (c *decision) rules(g *Guard, actor Actor) Verdict {
	req := c.req
	if req.Problem != nil {
		return c.undecidable(g, req.Problem)
	}
	if c.snap == nil {
		return c.undecidable(g, c.unknown("no source in Git has been loaded yet"))
	}
	declared := c.snap.Lookup(req.Key)
	switch {
	case c.effect == passive, c.operation == Connect:
		return Verdict{Outcome: Allow, Reason: PassiveSubresource}
	case c.effect == unknown && declared != nil:
		return Verdict{Reason: UnknownSubresource}
	case req.Namespace != nil && req.Namespace.Terminating:
		return Verdict{Outcome: Allow, Reason: NamespaceTerminating}
	case declared != nil:
		return c.declared(g, actor, declared)
	}
	if missing := c.snap.Incomplete(); len(missing) > 0 {
		return c.undecidable(g, c.unknown("not all that Git declares is known: source "+strings.Join(missing, ", source ")+" could never be loaded"))
	}
	return c.undeclared(g, actor)
}

// unknown says what of Git isn't known, and where to read why.
func (c *decision) unknown(what string) error {
	if c.faults != "" {
		what += " (" + c.faults + ")"
	}
	return errors.New(what)
}

// comparison is what an update changes, as far as it counts.
type comparison struct {
	change fields.Change
	err    error
}

// compare compares the update with what Git declares. ignored is what doesn't
// count for a guard, besides what doesn't for any.
func (c *decision) compare(declared *gitindex.Declared, ignored []fields.Ignore) (fields.Change, error) {
	if c.base == nil {
		base, err := c.update(declared)
		if err != nil {
			return fields.Change{}, unreadable(declared, err)
		}
		c.base = &base
	}
	if len(ignored) > 0 {
		update := *c.base
		update.Ignored = slices.Concat(update.Ignored, ignored)
		change, err := c.types.Compare(update)
		return change, unreadable(declared, err)
	}
	if c.shared == nil {
		change, err := c.types.Compare(*c.base)
		c.shared = &comparison{change, unreadable(declared, err)}
	}
	return c.shared.change, c.shared.err
}

// update is what there is to compare of the request.
func (c *decision) update(declared *gitindex.Declared) (fields.Update, error) {
	version, err := kschema.ParseGroupVersion(declared.APIVersion)
	if err != nil {
		return fields.Update{}, fmt.Errorf("%w: %w", fields.ErrGit, err)
	}
	u := fields.Update{
		Type: c.written(), Version: version.Version, Declared: declared.Manifest, Old: c.req.OldObject, New: c.req.Object, Part: c.part,
		Tracked: c.req.Subresource == "", Manager: c.req.FieldManager,
		Undetermined: declared.Undetermined, Hidden: declared.Hidden,
	}
	if isOwn(c.req.Key) {
		u.Tracked = false // what somebody put there with kubectl is not for others to take back
	}
	if declared.Recorded {
		// Nothing of it is of any version, and what a client wrote may be Git's.
		u.Version, u.Tracked = "", false
	}
	u.Ignored, u.Managers = c.leftAlone(declared)
	return u, nil
}

// written is the type of what the request changes: a Scale stands for the object
// that it scales.
func (c *decision) written() kschema.GroupVersionKind {
	if c.part != fields.Scale {
		return c.req.Type
	}
	return kschema.GroupVersionKind{Group: c.req.Key.Group, Version: c.req.Version, Kind: c.req.Key.Kind}
}

// unreadable adds to an error about a declaration where that is.
func unreadable(d *gitindex.Declared, err error) error {
	if !errors.Is(err, fields.ErrGit) {
		return err
	}
	file := d.Origin.File
	switch {
	case file == "":
		file = d.Origin.Path
	case d.Origin.Line > 0:
		file = fmt.Sprintf("%s:%d", file, d.Origin.Line)
	}
	return fmt.Errorf("%w; correct it in %s of source %s", err, file, d.Origin.Source)
}

// allChanges is what the update changes of an object that Git is silent about.
func (c *decision) allChanges() (fields.Change, error) {
	return c.types.Compare(fields.Update{Type: c.written(), Declared: silence(), Old: c.req.OldObject, New: c.req.Object, Part: c.part})
}

// silence is what Git declares of an object that it is silent about.
func silence() gitindex.Manifest { return gitindex.NewManifest([]byte("{}")) }

// undecidable is what the guard wants done where nothing can be decided.
func (c *decision) undecidable(g *Guard, problem error) Verdict {
	c.err = problem
	if g.undecidable == v1alpha1.Deny {
		return Verdict{Reason: Undecidable}
	}
	return Verdict{Outcome: Warn, Reason: Undecidable}
}

// metadata is the part of an object that rules look at before comparing.
type metadata struct {
	Metadata struct {
		Labels            map[string]string `json:"labels"`
		DeletionTimestamp *string           `json:"deletionTimestamp"`
	} `json:"metadata"`
}

// beingDeleted reports whether the object is going away already.
func (c *decision) beingDeleted() bool {
	var old metadata
	return json.Unmarshal(c.req.OldObject, &old) == nil && old.Metadata.DeletionTimestamp != nil
}

// namespaceLabels are the labels by which the guard selects. Those of a
// Namespace itself are in the request: the ones it has, and the ones it gets.
func (c *decision) namespaceLabels(g *Guard) []map[string]string {
	if g.namespaces.Empty() {
		return nil
	}
	if !isNamespace(c.req.Key) {
		if c.req.Namespace == nil {
			return nil
		}
		return []map[string]string{c.req.Namespace.Labels}
	}
	var sets []map[string]string
	for _, object := range [][]byte{c.req.OldObject, c.req.Object} {
		var m metadata
		if len(object) > 0 && json.Unmarshal(object, &m) == nil {
			sets = append(sets, m.Metadata.Labels)
		}
	}
	return sets
}
