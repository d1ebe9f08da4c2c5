package gitindex

import (
	"cmp"
	"fmt"
)

// Faults is everything that is wrong with a source, worst first; nil if
// nothing is.
func (s *SourceState) Faults() []error {
	var faults []error
	if s.Err != nil {
		faults = append(faults, s.Err)
	}
	for _, l := range s.Locations {
		if l.Err != nil {
			faults = append(faults, s.renderFault(l))
		}
	}
	return faults
}

// Ready reports whether everything that the source declares is known, from its
// newest revision.
func (s *SourceState) Ready() bool {
	return !s.CheckedAt.IsZero() && s.Complete() && len(s.Faults()) == 0
}

// ByRecord reports whether what the source declares is known by the agent's
// record alone.
func (s *SourceState) ByRecord() bool {
	return s.Source.Unrendered() || !s.Complete() && len(s.Source.Recorded) > 0
}

// Size is how many objects the source declares, and the length of their JSON.
func (s *SourceState) Size() (objects, bytes int) {
	for _, l := range s.Locations {
		objects += len(l.Objects)
		for i := range l.Objects {
			bytes += l.Objects[i].Manifest.Len()
		}
	}
	if s.ByRecord() {
		objects = len(s.Source.Recorded)
	}
	return objects, bytes
}

// renderFault says which rendering went wrong: that of the newest revision,
// while the objects are those of an older one.
func (s *SourceState) renderFault(l LocationState) error {
	return fmt.Errorf("rendering %s at %s: %w", l.Location.Path, s.Revision.Short(), l.Err)
}

// Undecrypted says how many of the location's objects are opaque in something
// that the agent decrypts, and why the first is; zero if none is.
func (l *LocationState) Undecrypted() (objects int, why string) {
	for i := range l.Objects {
		if reason := l.Objects[i].Undecrypted; reason != "" {
			objects++
			why = cmp.Or(why, reason)
		}
	}
	return objects, why
}

// Warnings is what the API server leaves out of the location's objects without
// a word, each with its file; nil if nothing.
func (l *LocationState) Warnings() []string {
	var warnings []string
	for i := range l.Objects {
		d := &l.Objects[i]
		for _, field := range d.Dropped {
			file, line := d.Origin.Locate(field)
			if line > 0 {
				file = fmt.Sprintf("%s:%d", file, line)
			}
			warnings = append(warnings, fmt.Sprintf("%s: %s has no field %s: the API server drops it", file, d.Key, field))
		}
	}
	return warnings
}
