package gitindex

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Snapshot is an immutable view of all declared objects at known revisions.
// A nil Snapshot declares nothing and is not usable.
type Snapshot struct {
	objects    map[Key]*Declared
	unscoped   map[Key]*Declared // ScopeUnknown objects, by Key without namespace
	namespaces map[string]int
	kinds      map[groupKind]int
	claims     map[Key]*Declared // by the Secret that they have made
	sources    []SourceState
	conflicts  []Conflict
	incomplete []string
}

type groupKind struct{ group, kind string }

// SourceState is what is known of one source at the time of a snapshot.
type SourceState struct {
	Source     Source
	Revision   Revision            // last fetched; zero if never
	References map[string]Revision // the same, of Source.References
	CheckedAt  time.Time           // when the remote ref was last seen to be Revision; zero if never
	Err        error               // why the last look or fetch went wrong; nil if it didn't
	Locations  []LocationState
}

// LocationState is what is known of one rendered path.
type LocationState struct {
	Location Location
	Revision Revision // that Objects were rendered from; zero if never
	Objects  []Declared
	Inputs   Inputs
	Err      error // why rendering at the source's revision went wrong; Objects are then the last good ones
}

// Conflict is an object that two locations declare. The first is used.
type Conflict struct {
	Key         Key
	Used, Other Origin
}

// Error says which two places declare the object, and which one counts.
func (c Conflict) Error() string {
	used, other := c.Used.Path, c.Other.Path
	switch {
	case c.Used.Source != c.Other.Source || c.Used.place() != c.Other.place():
		return fmt.Sprintf("%s is declared twice: by source %s (%s) and by source %s (%s); the first is used: remove one of them",
			c.Key, c.Used.Source, c.Used.place(), c.Other.Source, c.Other.place())
	case contains(used, other):
		return fmt.Sprintf("%s is declared twice: path %s of source %s contains path %s: remove one of the paths", c.Key, used, c.Used.Source, other)
	case contains(other, used):
		return fmt.Sprintf("%s is declared twice: path %s of source %s contains path %s: remove one of the paths", c.Key, other, c.Used.Source, used)
	}
	return fmt.Sprintf("%s is declared twice: paths %s and %s of source %s both bring it from %s; the first is used: remove it from one of them",
		c.Key, used, other, c.Used.Source, c.Used.place())
}

// contains reports whether a path is another one's folder, or the same.
func contains(folder, below string) bool {
	folder, below = path.Clean(folder), path.Clean(below)
	return folder == "." || folder == below || strings.HasPrefix(below, folder+"/")
}

func (o *Origin) place() string { return cmp.Or(o.File, o.Path) }

// NewSnapshot builds a snapshot of the sources' last good objects. Sources
// are taken in order of name, locations in the order given; where two declare
// the same object the first one is used. The caller gives up the states.
func NewSnapshot(states []SourceState) *Snapshot {
	slices.SortStableFunc(states, func(a, b SourceState) int { return cmp.Compare(a.Source.Name, b.Source.Name) })
	s := &Snapshot{
		objects:    map[Key]*Declared{},
		unscoped:   map[Key]*Declared{},
		namespaces: map[string]int{},
		kinds:      map[groupKind]int{},
		claims:     map[Key]*Declared{},
		sources:    states,
		incomplete: incomplete(states),
	}
	for i := range states {
		for j := range states[i].Locations {
			objects := named(states[i].Locations[j].Objects, states[i].Source.Recorded)
			for k := range objects {
				s.add(&objects[k])
			}
		}
		s.addRecorded(&states[i])
	}
	return s
}

// withSources returns a snapshot of the same objects, with newer states of the
// same sources, in order of name. Only CheckedAt and the errors may differ.
func (s *Snapshot) withSources(states []SourceState) *Snapshot {
	renewed := *s
	renewed.sources = states
	return &renewed
}

func (s *Snapshot) add(d *Declared) {
	if used, ok := s.objects[d.Key]; ok {
		s.conflicts = append(s.conflicts, Conflict{Key: d.Key, Used: used.Origin, Other: d.Origin})
		return
	}
	s.objects[d.Key] = d
	if d.ScopeUnknown {
		key := d.Key
		key.Namespace = ""
		if _, ok := s.unscoped[key]; !ok {
			s.unscoped[key] = d
		}
	}
	if d.Key.Namespace != "" {
		s.namespaces[d.Key.Namespace]++
	}
	s.kinds[groupKind{d.Key.Group, d.Key.Kind}]++
	if secret, ok := claim(d); ok {
		s.claims[secret] = d
	}
}

// Lookup returns the declaration of an object, or nil if no source has one.
func (s *Snapshot) Lookup(key Key) *Declared {
	if s == nil {
		return nil
	}
	if d, ok := s.objects[key]; ok {
		return d
	}
	if key.Namespace == "" {
		return s.unscoped[key]
	}
	return nil
}

// InNamespace is how many declared objects live in a namespace.
func (s *Snapshot) InNamespace(namespace string) int {
	if s == nil {
		return 0
	}
	return s.namespaces[namespace]
}

// OfKind is how many declared objects are of a kind.
func (s *Snapshot) OfKind(group, kind string) int {
	if s == nil {
		return 0
	}
	return s.kinds[groupKind{group, kind}]
}

// Claim returns the declared object that has its controller make this Secret: a
// SealedSecret, an ExternalSecret or a Certificate. It is nil if there is none.
func (s *Snapshot) Claim(secret Key) *Declared {
	if s == nil {
		return nil
	}
	return s.claims[secret]
}

// Len is how many objects are declared.
func (s *Snapshot) Len() int {
	if s == nil {
		return 0
	}
	return len(s.objects)
}

// All returns the declared objects in order of key. They must not be changed.
func (s *Snapshot) All() []*Declared {
	if s == nil {
		return nil
	}
	all := make([]*Declared, 0, len(s.objects))
	for _, d := range s.objects {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *Declared) int {
		return cmp.Or(
			cmp.Compare(a.Key.Namespace, b.Key.Namespace),
			cmp.Compare(a.Key.Group, b.Key.Group),
			cmp.Compare(a.Key.Kind, b.Key.Kind),
			cmp.Compare(a.Key.Name, b.Key.Name),
		)
	})
	return all
}

// Sources returns the state of each source, in order of name. It must not be
// changed.
func (s *Snapshot) Sources() []SourceState {
	if s == nil {
		return nil
	}
	return s.sources
}

// Source returns the state of the named source, or nil.
func (s *Snapshot) Source(name string) *SourceState {
	i, ok := slot(s.Sources(), name)
	if !ok {
		return nil
	}
	return &s.sources[i]
}

// Incomplete names what could never be loaded, so that its objects look as if
// nobody declared them: a source ("infra"), or a location of one
// ("infra: apps/staging"). It is nil when the snapshot has, of everything, at
// least a last good state. It must not be changed.
func (s *Snapshot) Incomplete() []string {
	if s == nil {
		return nil
	}
	return s.incomplete
}

func incomplete(states []SourceState) []string {
	var names []string
	for _, s := range states {
		if !s.Loaded() {
			names = append(names, s.Source.Name)
			continue
		}
		for _, l := range s.Locations {
			if !l.loaded() && s.Source.Recorded == nil {
				names = append(names, s.Source.Name+": "+l.Location.Path)
			}
		}
	}
	return names
}

// Conflicts returns the objects that are declared more than once.
func (s *Snapshot) Conflicts() []Conflict {
	if s == nil {
		return nil
	}
	return s.conflicts
}

// Index is where the current snapshot is found. The zero Index has none yet.
type Index struct{ current atomic.Pointer[Snapshot] }

// Current returns the current snapshot, or nil if there is none to decide by:
// before the first one, and when the Refresher says so.
func (i *Index) Current() *Snapshot { return i.current.Load() }

// Publish makes s the current snapshot, at once for every reader. Nil takes
// the current one away.
func (i *Index) Publish(s *Snapshot) { i.current.Store(s) }
