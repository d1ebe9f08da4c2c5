package gitindex

import (
	"encoding/json"
	"slices"

	"gitonly.dev/gitonly/pkg/gitindex/glob"
)

// addRecorded adds what the agent says it applies, of a source that has a
// location which was never rendered.
func (s *Snapshot) addRecorded(state *SourceState) {
	if state.rendered() && state.Complete() {
		return
	}
	for _, r := range state.Source.Recorded {
		if _, known := s.objects[r.Key]; known {
			continue
		}
		s.add(&Declared{
			Key: r.Key, APIVersion: r.APIVersion, Manifest: NewManifest(r.identity()), Recorded: true,
			Origin: Origin{Source: state.Source.Name, URL: Redact(state.Source.Repository.URL), Revision: state.Revision, Path: state.path()},
		})
	}
}

// path is where in the repository the source's objects are, as far as one path
// says it.
func (s *SourceState) path() string {
	if len(s.Source.Locations) == 0 {
		return ""
	}
	return s.Source.Locations[0].Path
}

// identity is the object as JSON, with nothing but what names it.
func (r Recorded) identity() []byte {
	metadata := map[string]string{"name": r.Key.Name}
	if r.Key.Namespace != "" {
		metadata["namespace"] = r.Key.Namespace
	}
	// Only text in maps: this can't go wrong.
	encoded, _ := json.Marshal(map[string]any{"apiVersion": r.APIVersion, "kind": r.Key.Kind, "metadata": metadata})
	return encoded
}

// Ignores are the fields of a declared object that its agent leaves alone.
func (s *Snapshot) Ignores(d *Declared) []FieldIgnore {
	state := s.Source(d.Origin.Source)
	if state == nil {
		return nil
	}
	var found []FieldIgnore
	for _, location := range state.Source.Locations {
		if location.Path != d.Origin.Path {
			continue
		}
		for _, ignore := range location.Build.Ignores {
			if ignore.covers(d.Key) {
				found = append(found, ignore)
			}
		}
	}
	return found
}

func (f FieldIgnore) covers(key Key) bool {
	return glob.Match(f.Group, key.Group) && glob.Match(f.Kind, key.Kind) &&
		(f.Namespace == "" || f.Namespace == key.Namespace) && (f.Name == "" || f.Name == key.Name)
}

// slot finds a source's state by name, in states that are in order of it.
func slot(states []SourceState, name string) (int, bool) {
	return slices.BinarySearchFunc(states, name, func(s SourceState, name string) int {
		switch {
		case s.Source.Name < name:
			return -1
		case s.Source.Name > name:
			return 1
		}
		return 0
	})
}
