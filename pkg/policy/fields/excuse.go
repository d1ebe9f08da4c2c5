package fields

import "sigs.k8s.io/structured-merge-diff/v6/schema"

// excused reports whether a difference is none of the requester's: a mutator
// made it, or it takes back what a person's client wrote. Of the fields that
// Git declares only an image may be another's, by its digest.
func (w *walk) excused(a at, git, before, after any) bool {
	if w.managed == nil || a.above == nil || root(a.path) == "status" || (w.unread && root(a.path) != "metadata") {
		return false
	}
	declared := git != nil || a.owned
	switch {
	case declared && (a.name != "image" || !pinned(git, after)):
		return false
	case after == nil:
		return w.every(a, before, w.writtenWithKubectl)
	case before == nil:
		return w.every(a, after, func(part at, _ any) bool {
			place, ok := w.place(part)
			return ok && w.managed.adds(place)
		})
	}
	if !declared && w.types.resets(a.above.ref, a.name, after) && w.every(a, before, w.writtenWithKubectl) {
		return true // taken back: the API server put its own value in its place
	}
	place, ok := w.place(a)
	return ok && scalar(before) && scalar(after) && w.managed.modifies(place)
}

func (w *walk) writtenWithKubectl(part at, _ any) bool {
	list := part.path
	if part.among != nil {
		list = part.above.path
	}
	if list == "metadata.finalizers" || list == "metadata.ownerReferences" {
		return false
	}
	place, ok := w.place(part)
	return ok && w.managed.kubectls(place, part.among != nil)
}

// every reports whether yes holds for all parts that a value may get from
// different clients: the members of maps, and lists' items as a whole.
func (w *walk) every(a at, value any, yes func(at, any) bool) bool {
	atom := w.types.atom(a.ref)
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 || a.among != nil || atom.Map == nil || atom.Map.ElementRelationship == schema.Atomic {
			break
		}
		for name, member := range v {
			if !w.every(a.member(name, field(atom.Map, name)), member, yes) {
				return false
			}
		}
		return true
	case []any:
		if len(v) == 0 || atom.List == nil || atom.List.ElementRelationship != schema.Associative {
			break
		}
		for _, item := range v {
			if !w.every(a.item("", atom.List, item), item, yes) {
				return false
			}
		}
		return true
	}
	return yes(a, value)
}
