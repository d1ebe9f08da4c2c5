package chart

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// pick returns the index of the version that is wanted: the one of that name,
// else the highest in that range, of which empty is all but prereleases.
func pick(want string, versions []string) (int, error) {
	if i := slices.Index(versions, want); i >= 0 {
		return i, nil
	}
	if want == "" {
		want = "*"
	}
	constraint, err := semver.NewConstraint(want)
	if err != nil {
		return 0, fmt.Errorf("version %q is not there, and is no range: write one such as \">=1.2.0 <2.0.0\"", want)
	}
	best := -1
	var highest *semver.Version
	var known []*semver.Version
	for i, name := range versions {
		v, err := semver.NewVersion(name)
		if err != nil {
			continue
		}
		known = append(known, v)
		if constraint.Check(v) && (highest == nil || v.GreaterThan(highest)) {
			best, highest = i, v
		}
	}
	if best < 0 {
		return 0, missing(want, known)
	}
	return best, nil
}

// missing names a few versions that there are.
func missing(want string, known []*semver.Version) error {
	if len(known) == 0 {
		return errors.New("there are no versions of it")
	}
	slices.SortFunc(known, func(a, b *semver.Version) int { return b.Compare(a) })
	const most = 5
	var names []string
	for _, v := range known[:min(most, len(known))] {
		names = append(names, v.Original())
	}
	more := ""
	if len(known) > most {
		more = fmt.Sprintf(" and %d more", len(known)-most)
	}
	return fmt.Errorf("no version matches %q (there are %s%s)", want, strings.Join(names, ", "), more)
}
