package gitindex

import (
	"slices"
	"time"
)

// Source is a place in Git that is rendered: one repository at one ref, and
// the paths in it.
type Source struct {
	Name       string // unique among sources
	Repository Repository
	Locations  []Location
	Interval   time.Duration // between two looks at the remote ref; positive
}

func (s Source) equal(other Source) bool {
	return s.Name == other.Name && s.Repository == other.Repository && s.Interval == other.Interval &&
		slices.Equal(s.Locations, other.Locations)
}

// Repository says where a source's files are fetched from.
type Repository struct {
	URL    string // https, http, ssh (also user@host:path) or file
	Ref    Ref
	Secret string // name of the Secret with the credentials; empty for none
}

// Ref names a commit. At most one field is set; none means the remote's HEAD.
type Ref struct {
	Branch string
	Tag    string
	SemVer string // a range, such as ">=1.2.0 <2.0.0": the highest matching tag
	Commit string // a full commit hash
}

// String is the ref as its writer knows it: "main", "v1.2.0", "HEAD".
func (r Ref) String() string {
	for _, s := range []string{r.Branch, r.Tag, r.SemVer, r.Commit} {
		if s != "" {
			return s
		}
	}
	return "HEAD"
}

// Location is one rendered path of a source.
type Location struct {
	Path      string // slash-separated, relative to the repository's root; "." is the root
	Namespace string // for namespaced objects that name none; may be empty
	Render    Format
}

// Format says how the files at a location become objects.
type Format string

// The formats. Auto takes Kustomize where the path holds a kustomization
// file, and Plain otherwise.
const (
	Auto      Format = "Auto"
	Plain     Format = "Plain"
	Kustomize Format = "Kustomize"
)

// Revision is a commit, and the name by which it was reached.
type Revision struct {
	Commit string // full hash
	Name   string // branch or tag; "HEAD" for the remote's default; empty if asked for by hash
}

// Short is the revision as messages show it: "main@4f2c1ab", or "4f2c1ab".
func (r Revision) Short() string {
	commit := r.Commit
	if len(commit) > 7 {
		commit = commit[:7]
	}
	if r.Name == "" {
		return commit
	}
	return r.Name + "@" + commit
}
