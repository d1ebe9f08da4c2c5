package fields

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Update is an object before and after a request, and what Git says of it.
type Update struct {
	Type     kschema.GroupVersionKind // of Old and New; of the object that they scale, if they are Scales
	Version  string                   // API version of Declared, without the group; empty if it is that of Type
	Declared gitindex.Manifest        // what Git says of the object
	Old, New []byte                   // JSON, as the API server sends them
	Part     Part

	Ignored      []Ignore // fields that may change, whatever Git says of them
	Managers     []string // field managers, whose fields may
	Undetermined []string // paths in Declared of fields that nobody can tell: these may
	Hidden       []string // paths in Declared of fields whose values must not be shown

	Tracked bool   // the object itself is written: its managedFields tell who changed what
	Manager string // the requester's field manager; empty where it is not known
}

// skewed reports whether Git declares another version than the request's.
func (u *Update) skewed() bool {
	return u.Version != "" && u.Version != u.Type.Version
}

// rewrites reports whether comparing takes fields out of the sides, or moves them,
// in ways that would make what both share differ: there is one of it, which the
// second side would find changed already.
func (u *Update) rewrites() bool {
	return len(u.Ignored) > 0 || len(u.Managers) > 0 || len(u.Undetermined) > 0 || isAutoscaler(u.Type)
}

// Part is the part of the object that a request can change.
type Part int

// The parts.
const (
	Main   Part = iota // everything; status only where Git declares it
	Status             // metadata too; status where Git declares it
	Scale              // Old and New are Scales: the field that they stand for
)

// Difference is a field that a request changes to something else than Git's
// value.
type Difference struct {
	Path     string // such as spec.template.spec.containers[name=web].image
	Declared bool   // Git declares the field; else Git is silent about it
	Git      Value
	Old, New Value
}

// Change is what a request does to an object.
type Change struct {
	Any         bool         // something other than bookkeeping and ignored fields changes
	Ignored     bool         // an ignored field changes
	Unread      bool         // Git declares a version that can't be compared: all but metadata counts as different
	Differences []Difference // in order of path within each map; empty if every change converges
}

// ErrGit is the error of a declaration that can't be read.
var ErrGit = errors.New("reading what Git declares")

// Compare returns what an update changes. The error says which side can't be
// read.
func (t *Types) Compare(u Update) (Change, error) {
	before, after, err := decodeLive(u.Old, u.New, !u.rewrites())
	if err != nil {
		return Change{}, err
	}
	return t.compare(u, before, after)
}

func (t *Types) compare(u Update, before, after map[string]any) (Change, error) {
	git, read, err := t.git(&u, before)
	if err != nil {
		return Change{}, fmt.Errorf("%w: %w", ErrGit, u.mute(err))
	}
	if u.Part == Scale {
		if equal(replicas(before), replicas(after)) {
			return Change{}, nil
		}
		path, err := t.scaledField(u.Type, git)
		if err != nil {
			return Change{}, err
		}
		only(git, path)
		before, after = scaled(path, before), scaled(path, after)
	}
	types, ref := t.of(u.Type)
	w := walk{types: types, managed: newManaged(&u, before, after), unread: !read, secret: isSecret(u.Type), hidden: hiddenIn(&u)}
	theirs := managersFields(&u, before, after)
	if isAutoscaler(u.Type) && u.Type.Version == "v1" {
		git, before, after = unfold(git), unfold(before), unfold(after)
		w.managed = nil // it tells of the annotations that were unfolded
		if !read {
			before, after = autoscalerV2(before), autoscalerV2(after) // its annotations are no metadata
		}
	}
	limit(&u, git, before, after)
	ignored := t.ignore(&u, theirs, git, before, after)
	w.value(at{ref: ref}, git, before, after)
	if !read {
		for i := range w.found {
			w.found[i].Declared = w.found[i].Declared || root(w.found[i].Path) != "metadata"
		}
	}
	return Change{Any: w.changed, Ignored: ignored, Unread: !read, Differences: w.found}, nil
}

// root is the first name of a path.
func root(path string) string {
	name, _, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	return name
}

// limit drops what never counts: what the API server and clients keep for
// themselves, and what the request can't reach.
func limit(u *Update, git, before, after map[string]any) {
	for _, object := range []map[string]any{git, before, after} {
		forget(object, u.Type)
	}
	if u.Part == Status {
		// The API server takes labels, annotations, owners and finalizers from
		// a write of the status too; it differs by kind which.
		for _, object := range []map[string]any{git, before, after} {
			keep(object, "metadata", "status")
		}
	}
	if _, ok := git["status"]; !ok {
		delete(before, "status")
		delete(after, "status")
	}
}

func keep(object map[string]any, names ...string) {
	for name := range object {
		if !slices.Contains(names, name) {
			delete(object, name)
		}
	}
}
