package policy

import (
	"fmt"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// ignored is an item of a GuardPolicy's ignoreFields, made ready for use.
type ignored struct {
	resource v1alpha1.Resource
	actors   []v1alpha1.IgnoredActor
	subjects *subjects // nil for every actor of the kinds
	patterns []fields.Ignore
}

func ignoresOf(policy *v1alpha1.GuardPolicy) ([]ignored, error) {
	var all []ignored
	for i, item := range policy.Spec.IgnoreFields {
		one := ignored{resource: item.Resource, actors: item.Actors}
		if item.Subjects != nil {
			who := subjectsOf(item.Subjects)
			one.subjects = &who
		}
		for j, path := range item.Paths {
			pattern, err := fields.ParsePattern(path)
			if err != nil {
				return nil, fmt.Errorf("GuardPolicy %s: spec.ignoreFields[%d].paths[%d]: %w", policy.Name, i, j, err)
			}
			one.patterns = append(one.patterns, pattern)
		}
		all = append(all, one)
	}
	return all, nil
}

// Ignored are the fields of an object that some GuardPolicy leaves to somebody.
func (p Policy) Ignored(key gitindex.Key) []fields.Ignore {
	var ignores []fields.Ignore
	for i := range p.Guards {
		for _, item := range p.Guards[i].ignores {
			if includes(item.resource, key) {
				ignores = append(ignores, item.patterns...)
			}
		}
	}
	return ignores
}

// ignored are the fields that don't count in a request.
func (g *Guard) ignored(req *Request, actor Actor) []fields.Ignore {
	var ignores []fields.Ignore
	for _, item := range g.ignores {
		if includes(item.resource, req.Key) && slices.Contains(item.actors, v1alpha1.IgnoredActor(actor)) &&
			(item.subjects == nil || item.subjects.has(req.User)) {
			ignores = append(ignores, item.patterns...)
		}
	}
	return ignores
}

// leftAlone is what the agent leaves alone in a declared object: fields, and the
// managers whose fields don't count. An expression that can't be used ignores
// nothing; discovery says so. Managers count for service accounts only: whoever
// writes an object may take any manager's name, and edit what is another's.
func (c *decision) leftAlone(declared *gitindex.Declared) (ignores []fields.Ignore, managers []string) {
	for _, f := range c.snap.Ignores(declared) {
		found, _ := fields.ParseIgnore(f)
		ignores = append(ignores, found...)
		if strings.HasPrefix(c.req.User.Name, serviceAccountPrefix) {
			managers = append(managers, f.Managers...)
		}
	}
	return ignores, managers
}
