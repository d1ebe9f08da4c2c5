package gitindex

import (
	"maps"
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

	// References are other repositories that the renderings may read: each
	// appears as a folder of the tree, by the name that is its key.
	References map[string]Repository

	// Recorded are the objects that the agent itself says it applies. They
	// stand in for a location's as long as it was never rendered.
	Recorded []Recorded

	// Of is the GitSource that the source is part of; empty if they are one.
	Of string

	// Seen is the commit that the agent was last seen at; empty if it is not
	// known. A new one is a reason to look at the source.
	Seen string

	// Problem, if not empty, is why nobody knows what the source is: it is not
	// looked at, and only stands for what is missing.
	Problem string
}

// Recorded is an object that is known by the agent's record alone: that it is
// declared, not how.
type Recorded struct {
	Key        Key
	APIVersion string
}

// sameLook reports whether both are looked at and rendered alike.
func (s Source) sameLook(other Source) bool {
	return s.Name == other.Name && s.Repository == other.Repository && s.Interval == other.Interval &&
		slices.EqualFunc(s.Locations, other.Locations, Location.Equal) && maps.Equal(s.References, other.References) &&
		s.Problem == other.Problem
}

// Fetched are the names by which the Fetcher knows the source and its
// references.
func (s Source) Fetched() []string {
	names := []string{s.Name}
	for _, name := range slices.Sorted(maps.Keys(s.References)) {
		names = append(names, referenceName(s.Name, name))
	}
	return names
}

// Unrendered reports whether only the agent can render the source: nothing
// needs to be fetched then.
func (s Source) Unrendered() bool {
	return len(s.Locations) > 0 && !slices.ContainsFunc(s.Locations, func(l Location) bool { return l.Render != Unrendered })
}

// Repository says where a source's files are fetched from.
type Repository struct {
	URL    string // https, http, ssh (also user@host:path) or file; oci and https for charts
	Chart  string // the name of a Helm chart in the chart repository at URL; empty for Git
	Ref    Ref    // of a chart, SemVer names the version or a range
	Secret SecretRef
	Verify Verification

	// Certificates is a Secret with ca.crt, tls.crt and tls.key, where those
	// aren't in Secret itself. Proxy is one with the address of a proxy, and
	// its username and password.
	Certificates, Proxy SecretRef
}

// SecretRef names a Secret with credentials. The zero value stands for none.
// One of Argo CD's form that names none stands for the host keys and
// certificates in Argo CD's ConfigMaps alone, which come with every Secret of
// that form.
type SecretRef struct {
	Namespace string // empty for gitonly's own
	Name      string
	Form      SecretForm
}

// String is the Secret's name, behind its namespace if that isn't gitonly's own.
func (s SecretRef) String() string {
	if s.Namespace == "" || s.Name == "" {
		return s.Name
	}
	return s.Namespace + "/" + s.Name
}

// SecretForm says whose keys a Secret with credentials has.
type SecretForm string

// The forms of Secrets.
const (
	PlainSecret  SecretForm = ""       // gitonly's and Flux's: username, password, identity, …
	ArgoCDSecret SecretForm = "ArgoCD" // Argo CD's repositories and templates: sshPrivateKey, githubAppID, …
	FluxSecret   SecretForm = "Flux"   // where Flux's own keys go by other rules: those of who may sign
)

// Ref names a commit. At most one of its first five fields is set; none means
// the remote's HEAD.
type Ref struct {
	Branch string
	Tag    string
	SemVer string // a range, such as ">=1.2.0 <2.0.0": the highest matching tag
	Commit string // a full commit hash

	// Name is anything that Argo CD takes as a target revision: a full hash;
	// else a range of versions, if a tag is in it; else a branch, a tag or
	// another ref, by its short or full name; else a hash of at least seven
	// digits. A branch and a tag at different commits can't be told apart.
	Name string

	// TagPrefix, with Name a range, leaves only the tags that begin with it,
	// and the rest of their names is the version.
	TagPrefix string
}

// String is the ref as its writer knows it: "main", "v1.2.0", "HEAD".
func (r Ref) String() string {
	for _, s := range []string{r.Branch, r.Tag, r.SemVer, r.Commit, r.Name} {
		if s != "" {
			return s
		}
	}
	return "HEAD"
}

// Revision is a commit, and the name by which it was reached.
type Revision struct {
	Commit string // full hash
	Name   string // branch or tag; "HEAD" for the remote's default; empty if asked for by hash

	// Tag is the hash of the annotated tag that Name is, where the repository
	// is verified; empty if it is none.
	Tag string
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
