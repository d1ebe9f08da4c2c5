package git

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// refs are the names a remote has for its objects, and what it lets one ask
// for.
type refs struct {
	head  plumbing.Hash // zero if HEAD names no commit
	named map[string]ref

	anyReachable bool // objects may be asked for by hash, if a ref leads to them
	anyTip       bool // the same, if a ref (a hidden one too) names them
	capabilities *capability.List
}

// ref is what a full name such as refs/tags/v1 stands for.
type ref struct {
	object plumbing.Hash // a commit, or a tag object
	commit plumbing.Hash // what object comes to in the end
}

func advertised(adv *packp.AdvRefs) *refs {
	r := &refs{
		named:        make(map[string]ref, len(adv.References)),
		anyReachable: adv.Capabilities.Supports(capability.AllowReachableSHA1InWant),
		anyTip:       adv.Capabilities.Supports(capability.AllowTipSHA1InWant),
		capabilities: adv.Capabilities,
	}
	if adv.Head != nil {
		r.head = *adv.Head
	}
	for name, object := range adv.References {
		commit, peeled := adv.Peeled[name]
		if !peeled {
			commit = object
		}
		r.named[name] = ref{object: object, commit: commit}
	}
	return r
}

// under returns the short names below a prefix, sorted.
func (r *refs) under(prefix string) []string {
	var names []string
	for name := range r.named {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	return names
}

// tip returns the object to ask for to get a commit that a ref leads to
// directly. Servers that give out tips only don't give out the commit of an
// annotated tag by its own hash, but the tag.
func (r *refs) tip(commit plumbing.Hash) (object plumbing.Hash, ok bool) {
	if r.head == commit {
		return commit, true
	}
	for _, ref := range r.named {
		switch commit {
		case ref.object:
			return commit, true
		case ref.commit:
			object, ok = ref.object, true
		}
	}
	return object, ok
}

// annotated is the hash of the annotated tag that a ref came to a revision by;
// empty if it came there otherwise.
func (r *refs) annotated(by gitindex.Ref, revision gitindex.Revision) string {
	if by.Tag == "" && by.SemVer == "" && by.Name == "" {
		return ""
	}
	tag, ok := r.named[tagPrefix+shortTag(revision.Name)]
	if !ok || tag.object == tag.commit || tag.commit.String() != revision.Commit {
		return ""
	}
	return tag.object.String()
}

// tips are the objects that all branches and tags name.
func (r *refs) tips() []plumbing.Hash {
	var tips []plumbing.Hash
	for name, ref := range r.named {
		if strings.HasPrefix(name, branchPrefix) || strings.HasPrefix(name, tagPrefix) {
			tips = append(tips, ref.object)
		}
	}
	return tips
}

// there lists at most five names, for a message.
func there(kind string, names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return fmt.Sprintf("(there are no %s)", kind)
	case len(names) <= most:
		return fmt.Sprintf("(%s there: %s)", kind, strings.Join(names, ", "))
	default:
		return fmt.Sprintf("(%s there: %s and %d more)", kind, strings.Join(names[:most], ", "), len(names)-most)
	}
}
