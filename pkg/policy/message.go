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
func (c *decision) message(g *Guard, v *Verdict, taken *identity, refused bool) string {
	if v.Reason == Undecidable {
		return c.undecidableMessage(v, refused)
	}
	said := "gitonly: "
	if v.Outcome == Warn {
		said = "gitonly: would be refused, but for Audit mode: "
	}
	if v.Outcome == Warn && taken != nil {
		said += c.req.Key.String() + ": "
	}
	lines := append(make([]string, 0, 8), said+c.summary(v, taken))
	if v.Declared != nil && taken == nil {
		lines[0] += ": " + c.place(v.Declared) + "."
	}
	lines = append(lines, c.because(v)...)
	if len(v.Differences) > 0 {
		lines = describe(append(lines, c.heading(v)...), v)
	}
	if taken == nil {
		lines = append(lines, c.remedy(g, v)...)
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

// summary is what is wrong. Where the object is declared, or the one that it
// belongs to, it ends without a stop: the place comes next.
func (c *decision) summary(v *Verdict, taken *identity) string {
	key := c.req.Key
	switch v.Reason {
	case NamespaceHoldsDeclared:
		return fmt.Sprintf("%s holds %s that Git declares. Deleting it would delete them: remove them from Git first.", key, objects(c.snap.InNamespace(key.Name)))
	case KindHoldsDeclared:
		return fmt.Sprintf("%s defines %s that Git declares. Deleting it would delete them: remove them from Git first.", key, objects(c.defines()))
	case NamespaceLeavesPolicy:
		return fmt.Sprintf("%s holds %s that Git declares, and with these labels GuardPolicy %s would guard them no longer. Declare the namespace in Git to label it there.", key, objects(c.snap.InNamespace(key.Name)), v.Policy)
	case AgentLeverChanged:
		if isRecord(key) {
			return fmt.Sprintf("%s is the record of an emergency, which gitonly alone writes.", key)
		}
		what := "tells the sync agent what to apply"
		if isOwn(key) {
			what = "says what gitonly guards"
		}
		return fmt.Sprintf("%s %s, so it changes through Git only.", key, what)
	case TrustedIdentityTaken:
		if taken.appointed {
			return fmt.Sprintf("this would make %s a sync agent, which GuardPolicy %s trusts. Change %s in Git.", taken.name, v.Policy, key)
		}
		return fmt.Sprintf("this would let %s act as %s, which GuardPolicy %s trusts to change anything. Only it and the control plane may.", c.req.User.Name, taken.name, v.Policy)
	case DerivedObjectChanged, DerivedObjectDeleted:
		return fmt.Sprintf("%s comes from %s, which is declared in Git", key, v.Declared.Key)
	case UndeclaredObjectChanged:
		rule := "guards such objects too"
		if c.operation == Create {
			rule = "allows no other objects here"
		}
		return fmt.Sprintf("%s is not declared in Git, and GuardPolicy %s %s.", key, v.Policy, rule)
	}
	if v.Declared.Recorded {
		return fmt.Sprintf("%s is applied by the sync agent", key)
	}
	return key.String() + " is declared in Git"
}

// because is what else there is to know before the fields.
func (c *decision) because(v *Verdict) []string {
	switch v.Reason {
	case RecordedObjectChanged:
		return []string{"gitonly can't render what is in Git, so every field counts as Git's."}
	case UnknownSubresource:
		return []string{fmt.Sprintf("No rule says what its subresource %s changes.", c.req.Subresource)}
	case VersionSkew:
		return []string{fmt.Sprintf("Git says %s, the request says %s, and the two can't be compared.", v.Declared.APIVersion, c.written().GroupVersion())}
	case DerivedObjectDeleted:
		return []string{fmt.Sprintf("GuardPolicy %s lets nobody delete it by hand.", v.Policy)}
	}
	return nil
}

// heading leads to the differences. A warning has none, as each of its lines is
// to stand by itself: kubectl prints what those of several objects have in common
// once.
func (c *decision) heading(v *Verdict) []string {
	switch {
	case v.Outcome == Warn:
		return nil
	case c.snap.Lookup(c.req.Key) == nil || v.Reason == RecordedObjectChanged:
		return []string{"This request changes:"}
	}
	return []string{"This request departs from it:"}
}

// place is the path at its revision, and when Git was last asked for it. Of an
// object that is known by the agent's record alone, it is the source.
func (c *decision) place(d *gitindex.Declared) string {
	if d.Recorded {
		return d.Origin.Source
	}
	place := d.Origin.Path + " at " + d.Origin.Revision.Short()
	state := c.snap.Source(d.Origin.Source)
	if state == nil || state.CheckedAt.IsZero() || c.req.At.IsZero() {
		return place
	}
	return place + " (checked " + age(c.req.At.Sub(state.CheckedAt)) + " ago)"
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

// describe adds a line for each difference.
func describe(lines []string, v *Verdict) []string {
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
	if d.Declared && v.Declared != nil {
		if file, _ := v.Declared.Origin.Locate(d.Path); file != "" {
			return d.Path + ": " + saying(v, d) + "   (" + file + ")"
		}
	}
	return d.Path + ": " + saying(v, d)
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
		return "Git says " + d.Git.Text + ", " + request(d)
	}
	switch v.Reason {
	case DerivedObjectChanged, AgentLeverChanged: // Git is silent about the whole object
		return request(d)
	case RecordedObjectChanged: // nobody can tell what Git says
		return request(d)
	}
	return "not in Git, " + request(d)
}

func request(d fields.Difference) string {
	switch {
	case !d.New.Present && !d.Old.Present:
		return "the request leaves it out"
	case !d.New.Present && (d.Declared || d.Old.Hidden):
		return "the request removes it"
	case !d.New.Present:
		return "the request removes " + d.Old.Text
	case d.New.Hidden:
		return "the request sets it"
	case d.Declared:
		return "the request says " + d.New.Text
	case !d.Old.Present:
		return "the request adds " + d.New.Text
	}
	return fmt.Sprintf("the request changes it from %s to %s", d.Old.Text, d.New.Text)
}
