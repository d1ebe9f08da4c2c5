package fields

import (
	"regexp"
	"slices"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// managed is what the managedFields on both sides tell about who changed what.
// It is read only once a difference needs it.
type managed struct {
	version  string // of both objects
	manager  string // the requester's; empty where it is not known
	old, new any    // metadata.managedFields

	read   bool
	before owners
	after  owners
	known  bool // before can be relied on
	fresh  bool // after can be: it is of this very request
}

// newManaged keeps both sides' managedFields. It is nil where they tell nothing
// about the request.
func newManaged(u *Update, before, after map[string]any) *managed {
	if !u.Tracked || u.Part != Main {
		return nil
	}
	managedFields := func(object map[string]any) any {
		metadata, _ := object["metadata"].(map[string]any)
		return metadata["managedFields"]
	}
	return &managed{
		version: u.Type.GroupVersion().String(), manager: u.Manager,
		old: managedFields(before), new: managedFields(after),
	}
}

// parse reads both sides, once.
func (m *managed) parse() {
	if m.read {
		return
	}
	m.read = true
	var err error
	if m.before, err = parseOwners(m.old, m.version); err != nil {
		return
	}
	m.known = true
	if m.after, err = parseOwners(m.new, m.version); err != nil {
		return
	}
	// Where the API server can't track a request, it leaves no managedFields,
	// or those from before. Where it merges managers to have no more than its
	// limit, it may forget the requester.
	m.fresh = len(m.after.each) > 0 && m.after.updaters() < maxUpdaters && !equal(spelled(m.old), spelled(m.new))
}

// spelled is what managedFields say that were left as text.
func spelled(managedFields any) any {
	text, ok := managedFields.(unread)
	if !ok {
		return managedFields
	}
	var read any
	if kjson.Unmarshal([]byte(text), &read) != nil {
		return string(text)
	}
	return read
}

// adds reports whether mutating admission added what wasn't there before: the
// requester's additions are in the requester's entry of the new managedFields.
func (m *managed) adds(place fieldpath.Path) bool {
	m.parse()
	return m.fresh && len(m.after.of(place)) == 0
}

// modifies reports whether mutating admission modified a value, not the
// requester, who would be its owner now.
func (m *managed) modifies(place fieldpath.Path) bool {
	m.parse()
	if !m.fresh {
		return false
	}
	// An owner that is gone gave the field up in this request: what came in its
	// place is the requester's doing, whoever filled it in.
	owners := m.after.of(place)
	if !sameOwners(m.before.of(place), owners) {
		return false
	}
	return !slices.ContainsFunc(owners, func(e owner) bool {
		return m.manager == "" || e.Manager == m.manager
	})
}

// kubectls reports whether a place was written with kubectl, and by no other
// client. A list's item must have been added with it.
func (m *managed) kubectls(place fieldpath.Path, item bool) bool {
	m.parse()
	if !m.known {
		return false
	}
	owners := m.before.of(place)
	return !slices.ContainsFunc(owners, func(e owner) bool { return !isKubectl(e) }) &&
		slices.ContainsFunc(owners, func(e owner) bool { return !item || e.fields.Has(place) })
}

// pinned reports whether an image that Git declares by its tag is given by its
// digest, in the same repository.
func pinned(git, live any) bool {
	want, ok := git.(string)
	if !ok || strings.Contains(want, "@") {
		return false
	}
	image, ok := live.(string)
	if !ok || !digest.MatchString(image) {
		return false
	}
	name, _, _ := strings.Cut(image, "@")
	return name == want || name == repository(want)
}

var digest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

// repository is an image without its tag. A colon before the last slash is a
// registry's port.
func repository(image string) string {
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon]
	}
	return image
}
