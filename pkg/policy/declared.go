package policy

import (
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// declared decides for an object that Git declares.
func (c *decision) declared(g *Guard, actor Actor, declared *gitindex.Declared) Verdict {
	switch c.operation {
	case Create:
		return Verdict{Reason: DeclaredObjectCreated}
	case Delete:
		if c.beingDeleted() {
			return Verdict{Outcome: Allow, Reason: BeingDeleted}
		}
		return Verdict{Reason: DeclaredObjectDeleted}
	}
	change, err := c.compare(declared, g.ignored(c.req, actor))
	if err != nil {
		return c.undecidable(g, err)
	}
	if !declared.Recorded {
		return c.judge(change, c.fieldAction(g, actor))
	}
	action := c.fieldAction(g, actor)
	if actor == Person {
		action = v1alpha1.Deny // any field may be one of Git's
	}
	v := c.judge(change, action)
	if v.Outcome == Deny {
		v.Reason = RecordedObjectChanged
	}
	return v
}

// owners is a field that counts whatever may become of others: the garbage
// collector deletes an object whose owner isn't there.
const owners = "metadata.ownerReferences"

// judge turns the comparison into a verdict, given what may become of fields
// that Git is silent about.
func (c *decision) judge(change fields.Change, undeclared v1alpha1.Action) Verdict {
	var against []fields.Difference
	reason := UndeclaredFieldChanged
	for _, d := range change.Differences {
		if d.Declared {
			reason = DeclaredFieldChanged
		}
		if d.Declared || undeclared == v1alpha1.Deny || isWithin(d.Path, owners) {
			against = append(against, d)
		}
	}
	switch {
	case !change.Any && change.Ignored:
		return Verdict{Outcome: Allow, Reason: IgnoredFieldChanged}
	case !change.Any:
		return Verdict{Outcome: Allow, Reason: Unchanged}
	case len(change.Differences) == 0:
		return Verdict{Outcome: Allow, Reason: Converging}
	case len(against) == 0:
		return Verdict{Outcome: Allow, Reason: UndeclaredFieldChanged}
	case reason == UndeclaredFieldChanged && onlyFinalizers(against) && c.beingDeleted():
		return Verdict{Outcome: Allow, Reason: BeingDeleted}
	case change.Unread && reason == DeclaredFieldChanged:
		reason = VersionSkew
	}
	return Verdict{Reason: reason, Differences: against}
}

// onlyFinalizers reports whether nothing but finalizers change: of an object
// that is going away, those are all that still matters.
func onlyFinalizers(differences []fields.Difference) bool {
	return !slices.ContainsFunc(differences, func(d fields.Difference) bool { return !isWithin(d.Path, "metadata.finalizers") })
}

// isWithin reports whether a path is that of a list or of an item in it.
func isWithin(path, list string) bool { return path == list || strings.HasPrefix(path, list+"[") }

// fieldAction is what may become of fields that Git is silent about. Of gitonly's
// own objects they are defaults, and none is anybody's to change.
func (c *decision) fieldAction(g *Guard, actor Actor) v1alpha1.Action {
	if c.req.Key.Group == v1alpha1.GroupVersion.Group && c.part == fields.Main {
		return v1alpha1.Deny
	}
	if actor == ServiceAccount {
		return g.fields.ServiceAccounts
	}
	return g.fields.People
}
