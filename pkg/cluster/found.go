package cluster

import (
	"fmt"
	"slices"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// sourcesOf are the sources that were found for a GitSource, as parts of it.
func sourcesOf(item *v1alpha1.GitSource, found discover.Found) []gitindex.Source {
	sources := slices.Clone(found.Sources)
	for i := range sources {
		sources[i].Of = item.Name
		sources[i].Interval = item.Spec.Interval.Duration
	}
	return sources
}

// addAgents adds identities, which other GitSources may have found as well.
func addAgents(agents policy.Agents, identities []discover.Identity) {
	for _, identity := range identities {
		known, ok := agents[identity.User()]
		known.Impersonated = identity.Impersonated && (known.Impersonated || !ok)
		known.Sources = append(slices.Clone(known.Sources), identity.Sources...)
		slices.Sort(known.Sources)
		known.Sources = slices.Compact(known.Sources)
		agents[identity.User()] = known
	}
}

// unusableIgnores are what the sources say of fields to be left alone, and that
// ignores nothing.
func unusableIgnores(sources []gitindex.Source) []discover.Problem {
	var problems []discover.Problem
	for i := range sources {
		for _, location := range sources[i].Locations {
			for _, ignore := range location.Build.Ignores {
				if err := fields.CheckIgnore(ignore); err != nil {
					problems = append(problems, discover.Problem{Object: sources[i].Name, Err: fmt.Errorf("fields to be left alone: %w", err)})
				}
			}
		}
	}
	return problems
}
