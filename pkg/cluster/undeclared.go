package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Events takes note of something that happened to an object, without making
// anybody wait.
type Events interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Undeclared tells at a GitSource when a path declares nothing any more, or a
// source is gone: whoever removes a folder by mistake unguards all that was in
// it, and nothing goes wrong.
type Undeclared struct {
	events Events
	reader client.Reader
	leads  func() bool // only then anything is told

	last *gitindex.Snapshot
}

// NewUndeclared tells events of GitSources that reader has; it may be a cache.
func NewUndeclared(events Events, reader client.Reader, leads func() bool) *Undeclared {
	return &Undeclared{events: events, reader: reader, leads: leads}
}

// Follow compares a snapshot with the one before. It is for one goroutine.
func (u *Undeclared) Follow(next *gitindex.Snapshot) {
	last := u.last
	u.last = next
	if !u.leads() {
		return
	}
	gone := map[string]*goneSources{}
	sources := last.Sources()
	for i := range sources {
		before := &sources[i]
		after := next.Source(before.Source.Name)
		gitSource := cmp.Or(before.Source.Of, before.Source.Name)
		if after != nil {
			u.compare(gitSource, before, after, next)
			continue
		}
		objects := 0
		for j := range before.Locations {
			objects += undeclared(&before.Locations[j], next)
		}
		if objects == 0 {
			continue
		}
		if gone[gitSource] == nil {
			gone[gitSource] = &goneSources{}
		}
		gone[gitSource].names = append(gone[gitSource].names, before.Source.Name)
		gone[gitSource].objects += objects
	}
	for _, gitSource := range slices.Sorted(maps.Keys(gone)) {
		u.tell(gitSource, gone[gitSource].String())
	}
}

// compare tells of the locations of a source that declare nothing any more.
func (u *Undeclared) compare(gitSource string, before, after *gitindex.SourceState, next *gitindex.Snapshot) {
	for i := range before.Locations {
		was := &before.Locations[i]
		is := slices.IndexFunc(after.Locations, func(l gitindex.LocationState) bool {
			return l.Location.Path == was.Location.Path && l.Location.Namespace == was.Location.Namespace
		})
		if is >= 0 && len(after.Locations[is].Objects) > 0 {
			continue
		}
		objects := undeclared(was, next)
		if objects == 0 {
			continue
		}
		what := fmt.Sprintf("Path %[2]s of %[1]s", after.Source.Name, was.Location.Path)
		if is < 0 {
			u.tell(gitSource, fmt.Sprintf("%s is gone: %s.", what, unguarded(objects)))
			continue
		}
		u.tell(gitSource, fmt.Sprintf("%s declares nothing at %s: %s.", what, after.Revision.Short(), unguarded(objects)))
	}
}

// undeclared is how many of a location's objects nothing declares any more.
func undeclared(was *gitindex.LocationState, next *gitindex.Snapshot) int {
	count := 0
	for i := range was.Objects {
		if next.Lookup(was.Objects[i].Key) == nil {
			count++
		}
	}
	return count
}

func unguarded(objects int) string {
	verb := "are"
	if objects == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s %s guarded no more", counted(objects, "object"), verb)
}

// goneSources are those of one GitSource, and what they declared.
type goneSources struct {
	names   []string
	objects int
}

func (g *goneSources) String() string {
	const shown = 3
	names, are := slices.Clone(g.names[:min(len(g.names), shown)]), "is"
	if more := len(g.names) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) > 1 {
		are = "are"
	}
	return fmt.Sprintf("%s %s gone: %s.", strings.Join(names, ", "), are, unguarded(g.objects))
}

// tell makes an Event of a GitSource, which may be gone.
func (u *Undeclared) tell(gitSource, text string) {
	regarding := &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GitSource", Name: gitSource}
	var item v1alpha1.GitSource
	if err := u.reader.Get(context.Background(), client.ObjectKey{Name: gitSource}, &item); err == nil {
		regarding.UID = item.UID // kubectl describe goes by it
	}
	u.events.Eventf(regarding, nil, corev1.EventTypeWarning, "Undeclared", "Unguard", "%s", text)
}
