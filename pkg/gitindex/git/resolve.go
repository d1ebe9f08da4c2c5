package git

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// resolve finds what a ref of a repository names among the remote's refs.
func resolve(want gitindex.Ref, r *refs) (gitindex.Revision, error) {
	switch {
	case want.Branch != "":
		found, ok := r.named[branchPrefix+want.Branch]
		if !ok {
			return gitindex.Revision{}, fmt.Errorf("branch %q does not exist %s", want.Branch, there("branches", r.under(branchPrefix)))
		}
		return revision(want.Branch, found.commit), nil
	case want.Tag != "":
		found, ok := r.named[tagPrefix+want.Tag]
		if !ok {
			return gitindex.Revision{}, fmt.Errorf("tag %q does not exist %s", want.Tag, there("tags", newestFirst(r.under(tagPrefix))))
		}
		return revision(want.Tag, found.commit), nil
	case want.SemVer != "":
		tag, err := highest(want.SemVer, r.under(tagPrefix))
		if err != nil {
			return gitindex.Revision{}, err
		}
		return revision(tag, r.named[tagPrefix+tag].commit), nil
	case want.Name != "" && want.Name != "HEAD":
		return byName(want, r)
	case r.head.IsZero():
		return gitindex.Revision{}, fmt.Errorf("HEAD names no commit: set ref.branch %s", there("branches", r.under(branchPrefix)))
	default:
		return revision("HEAD", r.head), nil
	}
}

func revision(name string, commit plumbing.Hash) gitindex.Revision {
	return gitindex.Revision{Name: name, Commit: commit.String()}
}

// pinned checks a commit that was asked for by hash.
func pinned(commit string) (gitindex.Revision, error) {
	if !plumbing.IsHash(commit) {
		return gitindex.Revision{}, fmt.Errorf("commit %q is not a full hash: write all 40 hexadecimal digits", commit)
	}
	return gitindex.Revision{Commit: plumbing.NewHash(commit).String()}, nil
}

// checkRef refuses a ref that says more than one thing.
func checkRef(r gitindex.Ref) error {
	set := 0
	for _, s := range []string{r.Branch, r.Tag, r.SemVer, r.Commit, r.Name} {
		if s != "" {
			set++
		}
	}
	if set > 1 {
		return errors.New("the ref names several things: set one of branch, tag, semver and commit")
	}
	if r.SemVer != "" {
		if _, err := semver.NewConstraint(r.SemVer); err != nil {
			return fmt.Errorf("semver %q is not a range: write one such as \">=1.2.0 <2.0.0\"", r.SemVer)
		}
	}
	return nil
}

// highest is the tag with the highest version in a range. Of tags that spell
// the same version the last in order of name is taken.
func highest(rangeText string, tags []string) (string, error) {
	constraint, err := semver.NewConstraint(rangeText)
	if err != nil {
		return "", err
	}
	sorted := newestFirst(tags)
	for _, tag := range sorted {
		if version, err := semver.NewVersion(tag); err == nil && constraint.Check(version) {
			return tag, nil
		}
	}
	return "", fmt.Errorf("no tag matches %q %s", rangeText, there("tags", sorted))
}

// newestFirst sorts tags by version from high to low, then those that are no
// versions, by name.
func newestFirst(tags []string) []string {
	versions := make(map[string]*semver.Version, len(tags))
	for _, tag := range tags {
		if version, err := semver.NewVersion(tag); err == nil {
			versions[tag] = version
		}
	}
	sorted := slices.Clone(tags)
	slices.SortFunc(sorted, func(a, b string) int {
		va, vb := versions[a], versions[b]
		switch {
		case va == nil && vb == nil:
			return cmp.Compare(a, b)
		case va == nil:
			return 1
		case vb == nil:
			return -1
		}
		return cmp.Or(vb.Compare(va), cmp.Compare(b, a))
	})
	return sorted
}
