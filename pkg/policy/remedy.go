package policy

import (
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// remedy is what a refused user can do instead.
func (c *decision) remedy(g *Guard, v *Verdict) []string {
	if v.Declared == nil {
		return c.declareIt(v)
	}
	page := whereDeclared(v)
	if page == "" {
		return nil // nobody but the agent knows
	}
	switch v.Reason {
	case DeclaredObjectCreated:
		if g.discover && len(c.agents) > 0 || !g.agents.isEmpty() {
			return []string{"The sync agent creates it: wait for its next sync, or start one.", "To change it first, edit " + page}
		}
		return []string{"GuardPolicy " + g.name + " knows no sync agent that could create it: spec.agents.subjects has to name it, in Git.", "To change it first, edit " + page}
	case DeclaredObjectDeleted:
		return []string{deleteThere(&v.Declared.Origin, page)}
	case DerivedObjectChanged, DerivedObjectDeleted:
		return []string{"Change " + v.Declared.Key.String() + " instead: " + page}
	case UnknownSubresource:
		return []string{"Change the object itself there: " + page}
	case VersionSkew:
		return []string{"Use Git's version to have it compared, or change it there: " + page}
	case UndeclaredFieldChanged:
		return append(restart(g, v), addThere(v, page))
	}
	return []string{"Change it there: " + page}
}

// declareIt is the way of an object that no source has.
func (c *decision) declareIt(v *Verdict) []string {
	if isRecord(c.req.Key) || v.Reason != AgentLeverChanged && v.Reason != UndeclaredObjectChanged {
		return nil
	}
	switch c.operation {
	case Create:
		return []string{"Declare it in Git."}
	case Delete:
		return []string{"Declare it in Git first, and then remove it there."}
	}
	return []string{"Declare it in Git, with this change."}
}

// restartAnnotation is what kubectl rollout restart writes.
const restartAnnotation = "kubectl.kubernetes.io/restartedAt"

// restart says how Pods can be restarted; nothing if the request restarts none.
func restart(g *Guard, v *Verdict) []string {
	if !slices.ContainsFunc(v.Differences, func(d fields.Difference) bool { return strings.Contains(d.Path+d.New.Text, restartAnnotation) }) {
		return nil
	}
	lines := []string{"kubectl rollout restart passes where ignoreFields of GuardPolicy " + g.name + " have that annotation."}
	if g.derived.Delete == v1alpha1.Allow {
		return append([]string{"To restart its Pods, delete them one by one."}, lines...)
	}
	return lines
}

// addThere is the way of what Git is silent about.
func addThere(v *Verdict, page string) string {
	if !slices.ContainsFunc(v.Differences, func(d fields.Difference) bool { return d.New.Present }) {
		return "Leave that to whoever added it. The object is declared in " + page
	}
	if origin := &v.Declared.Origin; isShared(origin) {
		return "To keep this change, make it in " + origin.Path + " or in " + page
	}
	return "To keep this change, make it in " + page
}

func deleteThere(origin *gitindex.Origin, page string) string {
	if isShared(origin) {
		return "To delete it, have " + origin.Path + " leave it out, or remove it for all that use it from " + page
	}
	return "To delete it, remove it from " + page
}

// isShared reports whether an object's file may be that of other locations, too, as
// a base's is.
func isShared(origin *gitindex.Origin) bool {
	return origin.File != "" && !within(origin.File, origin.Path)
}

// within reports whether a file is that of a path, or below it.
func within(file, path string) bool {
	return path == "" || path == "." || file == path || strings.HasPrefix(file, strings.TrimSuffix(path, "/")+"/")
}

// whereDeclared is the file to edit: of the first declared difference, or of the
// object.
func whereDeclared(v *Verdict) string {
	origin := &v.Declared.Origin
	if v.Declared.Recorded {
		return folderOf(origin)
	}
	for _, d := range v.Differences {
		if d.Declared {
			return linkOf(origin, d.Path)
		}
	}
	return linkOf(origin, "")
}

// folderOf is all that is known of where an object is that only the agent can
// render; empty if nothing is.
func folderOf(origin *gitindex.Origin) string {
	switch {
	case origin.Path == "" || origin.URL == "":
		return ""
	case origin.Path == ".":
		return origin.URL
	}
	return origin.Path + " in " + origin.URL
}

func linkOf(origin *gitindex.Origin, field string) string {
	file, line := origin.File, origin.Line
	if field != "" {
		file, line = origin.Locate(field)
	}
	if file == "" {
		file = origin.Path
	}
	return link(origin, file, line)
}
