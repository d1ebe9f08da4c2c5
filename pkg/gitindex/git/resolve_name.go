package git

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// byName finds what a name stands for that doesn't say what it is the name of.
func byName(want gitindex.Ref, r *refs) (gitindex.Revision, error) {
	name, err := versioned(want, r)
	if err != nil {
		return gitindex.Revision{}, err
	}
	branch, isBranch := r.named[branchPrefix+name]
	tag, isTag := r.named[tagPrefix+name]
	switch {
	case isBranch && isTag && branch.commit != tag.commit:
		return gitindex.Revision{}, fmt.Errorf("%q is a branch and a tag, at different commits: write %s%s or %s%s", name, branchPrefix, name, tagPrefix, name)
	case isBranch:
		return revision(name, branch.commit), nil
	case isTag:
		return revision(name, tag.commit), nil
	}
	for _, full := range []string{name, "refs/" + name, "refs/remotes/" + name} {
		if found, ok := r.named[full]; ok && strings.HasPrefix(full, "refs/") {
			return revision(name, found.commit), nil
		}
	}
	if shortHash.MatchString(name) {
		return abbreviated(strings.ToLower(name), r)
	}
	return gitindex.Revision{}, fmt.Errorf("%q is neither a branch nor a tag %s", name, there("branches", r.under(branchPrefix)))
}

// versioned is the tag that a range of versions comes to, or the name itself if
// it is no range, or one that no tag is in.
func versioned(want gitindex.Ref, r *refs) (string, error) {
	if _, err := semver.NewVersion(want.Name); err == nil {
		return want.TagPrefix + want.Name, nil
	}
	if _, err := semver.NewConstraint(want.Name); err != nil {
		if want.TagPrefix != "" {
			return "", fmt.Errorf("%q is no version and no range of versions, as a prefix of tags (%s) needs one", want.Name, want.TagPrefix)
		}
		return want.Name, nil
	}
	var versions []string
	for _, tag := range r.under(tagPrefix) {
		if version, ok := strings.CutPrefix(tag, want.TagPrefix); ok {
			versions = append(versions, version)
		}
	}
	version, err := highest(want.Name, versions)
	if err != nil && want.TagPrefix == "" && !strings.ContainsAny(want.Name, "<>=^~*, |") {
		return want.Name, nil
	}
	return want.TagPrefix + version, err
}

var shortHash = regexp.MustCompile("^[0-9A-Fa-f]{7,39}$")

// abbreviated finds the one commit that begins like this, among those that a
// branch or tag is at.
func abbreviated(hash string, r *refs) (gitindex.Revision, error) {
	found := map[plumbing.Hash]bool{}
	for _, ref := range r.named {
		if strings.HasPrefix(ref.commit.String(), hash) {
			found[ref.commit] = true
		}
	}
	if len(found) == 1 {
		for commit := range found {
			return gitindex.Revision{Commit: commit.String()}, nil
		}
	}
	return gitindex.Revision{}, fmt.Errorf("%q may be the beginning of a commit's hash, but not of one that a branch or tag is at: write all 40 hexadecimal digits", hash)
}

// settled is a ref whose name is a full hash as what it is.
func settled(r gitindex.Repository) gitindex.Repository {
	if plumbing.IsHash(r.Ref.Name) {
		r.Ref = gitindex.Ref{Commit: r.Ref.Name}
	}
	return r
}
