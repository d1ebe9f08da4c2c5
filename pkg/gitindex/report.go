package gitindex

import (
	"errors"
	"slices"
)

// report logs what a look at a source changed. An error that stays the same
// is not logged again.
func (r *Refresher) report(before, after SourceState) {
	log := r.log.WithValues("source", after.Source.Name)
	if isNew(before.Err, after.Err) {
		message := "source not refreshed, its last good objects stay declared"
		if !before.rendered() {
			message = "source not loaded, and it never was: what it declares isn't known"
		}
		log.Error(after.Err, message, stack(after.Err)...)
	} else if before.Err != nil && after.Err == nil {
		log.Info("source refreshed again")
	}
	if before.Revision != after.Revision {
		log.Info("source is at a new revision", "revision", after.Revision.Short(), "was", before.Revision.Short())
	}

	for _, l := range after.Locations {
		log := log.WithValues("path", l.Location.Path, "revision", after.Revision.Short())
		last := carry(before.Locations, l.Location)
		was := last.Err
		if warnings := l.Warnings(); len(warnings) > 0 && !slices.Equal(warnings, last.Warnings()) {
			log.Info("fields that the API server drops are declared", "warnings", warnings)
		}
		if isNew(was, l.Err) {
			message := "path not rendered, its last good objects stay declared"
			if !last.loaded() {
				message = "path not rendered, and it never was: what it declares isn't known"
			}
			log.Error(l.Err, message, stack(l.Err)...)
		} else if was != nil && l.Err == nil {
			log.Info("path rendered again")
		}
		if len(last.Objects) > 0 && len(l.Objects) == 0 {
			log.Info("path renders to nothing: what it declared is undeclared from now on", "objects", len(last.Objects))
		}
	}
}

// isNew reports whether err has to be logged: it is not the one from before.
func isNew(before, err error) bool {
	return err != nil && (before == nil || before.Error() != err.Error())
}

// stack is where a panic came from, for the log.
func stack(err error) []any {
	if p, ok := errors.AsType[*panicError](err); ok {
		return []any{"stack", string(p.stack)}
	}
	return nil
}
