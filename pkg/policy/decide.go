package policy

import (
	"encoding/json"
	"errors"
	"fmt"
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
	c := &decision{req: &req, snap: snap, types: p.Types}
	verdict := Verdict{Outcome: Allow, Reason: NotGuarded, Actor: Person}
	if req.Key.Group == v1alpha1.GroupVersion.Group && snap.Lookup(req.Key) == nil {
		// gitonly's own configuration, where Git doesn't declare it: RBAC's to
		// guard. To refuse it would take away the way out of a wrong one.
		return verdict
	}
	guarded := false
	for i := range p.Guards {
		v, ok := c.by(&p.Guards[i])
		if !ok {
			continue
		}
		if !guarded || v.Outcome < verdict.Outcome {
			verdict = v
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
	req   *Request
	snap  *gitindex.Snapshot
	types *fields.Types

	compared bool
	change   fields.Change
	skewed   bool
	err      error
}

// by is the verdict of one guard; ok is false if the object isn't its to guard.
func (c *decision) by(g *Guard) (v Verdict, ok bool) {
	actor := g.actor(c.req.User)
	m := g.guards(c.req.Key, c.req.Key.Namespace != "" || isNamespace(c.req.Key), c.namespaceLabels(g))
	if m == no {
		return Verdict{}, false
	}
	switch {
	case actor == System:
		v = Verdict{Outcome: Allow, Reason: SystemActor}
	case actor == Agent:
		v = Verdict{Outcome: Allow, Reason: AgentActor}
	case m == cannotTell:
		v = c.undecidable(g, errors.New("the labels of its namespace are not known"))
	default:
		v = c.rules(g, actor)
	}
	v.Actor, v.Mode, v.Policy = actor, g.mode, g.name
	v.Declared = c.snap.Lookup(c.req.Key)
	refused := v.Outcome == Deny
	if refused && g.mode == v1alpha1.ModeAudit {
		v.Outcome = Warn
	}
	if v.Outcome != Allow {
		v.Message = c.message(&v, refused)
	}
	return v, true
}

// rules decides for actors that nothing exempts.
func (c *decision) rules(g *Guard, actor Actor) Verdict {
	req := c.req
	if req.Problem != nil {
		return c.undecidable(g, req.Problem)
	}
	if c.snap == nil {
		return c.undecidable(g, errors.New("no source in Git has been loaded yet"))
	}
	operation := req.Operation
	part := fields.Main
	if req.Subresource != "" {
		sub := effectOf(req.Subresource)
		switch sub.effect {
		case passive:
			return Verdict{Outcome: Allow, Reason: PassiveSubresource}
		case deletes:
			operation = Delete
		case updates:
			operation, part = Update, sub.part
		default:
			if c.snap.Lookup(req.Key) != nil {
				return Verdict{Reason: UnknownSubresource}
			}
		}
	}
	if operation == Connect {
		return Verdict{Outcome: Allow, Reason: PassiveSubresource}
	}
	if req.Namespace != nil && req.Namespace.Terminating {
		return Verdict{Outcome: Allow, Reason: NamespaceTerminating}
	}
	if declared := c.snap.Lookup(req.Key); declared != nil {
		return c.declared(g, actor, declared, operation, part)
	}
	if missing := c.snap.Incomplete(); len(missing) > 0 {
		return c.undecidable(g, fmt.Errorf("not all that Git declares is known: %s could never be loaded (kubectl get gitsources says why)", strings.Join(missing, ", ")))
	}
	return c.undeclared(g, actor, operation)
}

// declared decides for an object that Git declares.
func (c *decision) declared(g *Guard, actor Actor, declared *gitindex.Declared, operation Operation, part fields.Part) Verdict {
	switch operation {
	case Create:
		return Verdict{Reason: DeclaredObjectCreated}
	case Delete:
		if c.beingDeleted() {
			return Verdict{Outcome: Allow, Reason: BeingDeleted}
		}
		return Verdict{Reason: DeclaredObjectDeleted}
	}
	c.compare(declared, part)
	if c.err != nil {
		return c.undecidable(g, c.err)
	}
	return c.judge(fieldAction(g, actor))
}

// judge turns the comparison into a verdict, given what may become of fields
// that Git is silent about.
func (c *decision) judge(undeclared v1alpha1.Action) Verdict {
	if !c.change.Any {
		return Verdict{Outcome: Allow, Reason: Unchanged}
	}
	var against []fields.Difference
	reason := UndeclaredFieldChanged
	for _, d := range c.change.Differences {
		if d.Declared {
			reason = DeclaredFieldChanged
		}
		if d.Declared || undeclared == v1alpha1.Deny {
			against = append(against, d)
		}
	}
	switch {
	case len(c.change.Differences) == 0:
		return Verdict{Outcome: Allow, Reason: Converging}
	case len(against) == 0:
		return Verdict{Outcome: Allow, Reason: UndeclaredFieldChanged}
	case c.skewed && reason == DeclaredFieldChanged:
		reason = VersionSkew
	}
	return Verdict{Reason: reason, Differences: against}
}

// compare compares the update with what Git declares, once.
func (c *decision) compare(declared *gitindex.Declared, part fields.Part) {
	if c.compared {
		return
	}
	c.compared = true
	update := fields.Update{Type: c.req.Type, Declared: declared.JSON, Old: c.req.OldObject, New: c.req.Object, Part: part}
	version, err := kschema.ParseGroupVersion(declared.APIVersion)
	if err != nil {
		c.err = fmt.Errorf("reading what Git declares: %w", err)
		return
	}
	if c.skewed = part != fields.Scale && version.Version != c.req.Version; c.skewed {
		c.change, c.err = c.types.CompareUnread(update)
		return
	}
	c.change, c.err = c.types.Compare(update)
}

// undeclared decides for an object that Git is silent about.
func (c *decision) undeclared(g *Guard, actor Actor, operation Operation) Verdict {
	if isNamespace(c.req.Key) && operation == Delete && c.snap.InNamespace(c.req.Key.Name) > 0 {
		if c.beingDeleted() {
			return Verdict{Outcome: Allow, Reason: BeingDeleted}
		}
		return Verdict{Reason: NamespaceHoldsDeclared}
	}
	if objectAction(g, actor) == v1alpha1.Deny {
		return Verdict{Reason: UndeclaredObjectChanged}
	}
	return Verdict{Outcome: Allow, Reason: UndeclaredObjectChanged}
}

// undecidable is what the guard wants done where nothing can be decided.
func (c *decision) undecidable(g *Guard, problem error) Verdict {
	c.err = problem
	if g.undecidable == v1alpha1.Deny {
		return Verdict{Reason: Undecidable}
	}
	return Verdict{Outcome: Warn, Reason: Undecidable}
}

func fieldAction(g *Guard, actor Actor) v1alpha1.Action {
	if actor == ServiceAccount {
		return g.fields.ServiceAccounts
	}
	return g.fields.People
}

func objectAction(g *Guard, actor Actor) v1alpha1.Action {
	if actor == ServiceAccount {
		return g.objects.ServiceAccounts
	}
	return g.objects.People
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
