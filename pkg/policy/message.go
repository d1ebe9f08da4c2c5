package policy

import (
	"fmt"
	"strings"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// shownDifferences is how many differences a message spells out.
const shownDifferences = 10

// message is what the user of a request that isn't plainly allowed reads: what
// is wrong, in which field, and where to change it instead.
// refused says that the guard refuses it, if only in Enforce mode.
// taken is the identity of a TrustedIdentityTaken; else nil.
func (c *decision) message(v *Verdict, taken *identity, refused bool) string {
	if v.Reason == Undecidable {
		return c.undecidableMessage(v, refused)
	}
	said := "gitonly: "
	if v.Outcome == Warn {
		said = "gitonly: would be refused, but for Audit mode: "
	}
	lines := []string{said + c.summary(v, taken)}
	if len(v.Differences) > 0 {
		heading := "This request departs from it:"
		if c.snap.Lookup(c.req.Key) == nil {
			heading = "This request changes:"
		}
		lines = append(lines, heading)
		lines = append(lines, differences(v)...)
	}
	if v.Declared != nil && taken == nil {
		lines = append(lines, whereToChange(v))
	}
	return strings.Join(lines, "\n")
}

func (c *decision) undecidableMessage(v *Verdict, refused bool) string {
	object := "a request"
	if c.req.Key.Kind != "" {
		object = c.req.Key.String()
	}
	said := fmt.Sprintf("gitonly: can't decide on %s: %v.", object, c.err)
	switch {
	case v.Outcome == Deny:
		return said + fmt.Sprintf("\nGuardPolicy %s refuses what can't be decided (undecidable: Deny).", v.Policy)
	case refused:
		return said + fmt.Sprintf("\nGuardPolicy %s would refuse it, but for Audit mode (undecidable: Deny).", v.Policy)
	}
	return said + fmt.Sprintf("\nGuardPolicy %s lets it through.", v.Policy)
}

// summary is the first line.
func (c *decision) summary(v *Verdict, taken *identity) string {
	key := c.req.Key
	switch v.Reason {
	case NamespaceHoldsDeclared:
		count := c.snap.InNamespace(key.Name)
		return fmt.Sprintf("%s holds %s that Git declares. Deleting it would delete them: remove them from Git first.", key, objects(count))
	case KindHoldsDeclared:
		return fmt.Sprintf("%s defines %s that Git declares. Deleting it would delete them: remove them from Git first.", key, objects(c.defines()))
	case NamespaceLeavesPolicy:
		return fmt.Sprintf("%s holds %s that Git declares, and with these labels GuardPolicy %s would guard them no longer. Declare the namespace in Git to label it there.", key, objects(c.snap.InNamespace(key.Name)), v.Policy)
	case AgentLeverChanged:
		what := "tells the sync agent what to apply"
		if isOwn(key) {
			what = "says what gitonly guards"
		}
		said := fmt.Sprintf("%s %s, so it changes through Git only.", key, what)
		if c.operation != Delete {
			said += " Declare it in Git."
		}
		return said
	case TrustedIdentityTaken:
		return fmt.Sprintf("this would let %s act as %s, which GuardPolicy %s trusts to change anything. Only it and the control plane may.", c.req.User.Name, taken.name, v.Policy)
	case DerivedObjectChanged, DerivedObjectDeleted:
		return fmt.Sprintf("%s comes from %s, which is declared in Git: %s.", key, v.Declared.Key, c.place(v.Declared))
	case UndeclaredObjectChanged:
		return fmt.Sprintf("%s is not declared in Git, and GuardPolicy %s allows no other objects here. Declare it in Git.", key, v.Policy)
	}
	declared := fmt.Sprintf("%s is declared in Git: %s.", key, c.place(v.Declared))
	switch v.Reason {
	case DeclaredObjectCreated:
		return declared + " The sync agent creates it."
	case DeclaredObjectDeleted:
		return declared + " To delete it, remove it from Git."
	case UnknownSubresource:
		return declared + fmt.Sprintf(" No rule says what its subresource %s may change.", c.req.Subresource)
	case VersionSkew:
		return declared + fmt.Sprintf(" Git says %s, the request says %s: use the version of Git.", v.Declared.APIVersion, c.req.Type.GroupVersion())
	}
	return declared
}

// place is the path at its revision, and how old that knowledge is.
func (c *decision) place(d *gitindex.Declared) string {
	place := fmt.Sprintf("%s at %s", d.Origin.Path, d.Origin.Revision.Short())
	state := c.snap.Source(d.Origin.Source)
	if state == nil || state.CheckedAt.IsZero() || c.req.At.IsZero() {
		return place
	}
	return fmt.Sprintf("%s (%s old)", place, age(c.req.At.Sub(state.CheckedAt)))
}

// age is a duration as people say it.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func objects(count int) string {
	if count == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", count)
}

func differences(v *Verdict) []string {
	var lines []string
	for i, d := range v.Differences {
		if i == shownDifferences {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(v.Differences)-i))
			break
		}
		lines = append(lines, "  "+DescribeDifference(v, d))
	}
	return lines
}

// DescribeDifference is one difference of a verdict in a line: the field, what
// Git says, what the request says, and the file that declares it.
func DescribeDifference(v *Verdict, d fields.Difference) string {
	line := d.Path + ": " + saying(v, d)
	if !d.Declared || v.Declared == nil {
		return line
	}
	if file, _ := v.Declared.Origin.Locate(d.Path); file != "" {
		line += "   (" + file + ")"
	}
	return line
}

// saying is what the two sides say.
func saying(v *Verdict, d fields.Difference) string {
	switch {
	case v.Reason == VersionSkew && !d.Git.Present:
		return "can't be compared with Git, " + request(d)
	case d.Declared && d.Git.Hidden:
		return "the request departs from Git's value (not shown)"
	case d.Declared && !d.Git.Present:
		return "Git leaves it out, " + request(d)
	case d.Declared:
		return fmt.Sprintf("Git says %s, %s", d.Git.Text, request(d))
	}
	if v.Reason == DerivedObjectChanged || v.Reason == AgentLeverChanged {
		return request(d) // Git is silent about the whole object
	}
	return "not in Git, " + request(d)
}

func request(d fields.Difference) string {
	switch {
	case !d.New.Present && !d.Old.Present:
		return "the request leaves it out"
	case !d.New.Present:
		return "the request removes it"
	case d.New.Hidden:
		return "the request sets it"
	case d.Declared:
		return "the request says " + d.New.Text
	case !d.Old.Present:
		return "the request adds " + d.New.Text
	}
	return fmt.Sprintf("the request changes it from %s to %s", d.Old.Text, d.New.Text)
}

// whereToChange names the file to edit: of the first difference, or of the
// object.
func whereToChange(v *Verdict) string {
	origin := &v.Declared.Origin
	path := ""
	for _, d := range v.Differences {
		if d.Declared {
			path = d.Path
			break
		}
	}
	file, line := origin.Locate(path)
	if path == "" {
		file, line = origin.File, origin.Line
	}
	if file == "" {
		file = origin.Path
	}
	return lead(v.Reason) + link(origin, file, line)
}

// lead says what the file is to a request of that kind. Whoever adds what Git
// is silent about may have to do it elsewhere: in an overlay of that file.
func lead(reason Reason) string {
	switch reason {
	case DeclaredObjectCreated, UndeclaredFieldChanged:
		return "It is declared in "
	case DeclaredObjectDeleted:
		return "Remove it there: "
	}
	return "Change it there: "
}
