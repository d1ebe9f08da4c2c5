package policy

import (
	"fmt"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// isCopied reports whether the annotation may be one that a controller copies, with
// all others, to what it makes: where that breaks no glass, it is like any other.
// Nobody makes a Namespace of something else.
func (c *decision) isCopied(v Verdict) bool {
	return v.Actor == ServiceAccount && c.snap.Lookup(c.req.Key) == nil && !isNamespace(c.req.Key)
}

// permitsNothing says why the annotation of a request that passes is only that.
// problem is what is wrong with it; nil if it is the user's right.
func (c *decision) permitsNothing(g *Guard, problem error) string {
	said := fmt.Sprintf("gitonly: the annotation %s of %s permits nothing: ", v1alpha1.BreakGlassAnnotation, c.req.Key)
	if problem != nil {
		return said + problem.Error() + "."
	}
	return said + c.lacking() + ". " + askFor(g)
}
