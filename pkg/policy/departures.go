package policy

import (
	"slices"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Departures are those of the fields in which an object in the cluster departs
// from what Git declares. live is its JSON, of version; nil if it isn't there.
// "*" among the fields stands for all that Git declares. An object that is in
// one of the two places only departs by "*". The error says which can't be read.
func Departures(types *fields.Types, snap *gitindex.Snapshot, key gitindex.Key, version string, live []byte, paths []string) ([]string, error) {
	declared := snap.Lookup(key)
	switch {
	case declared == nil && live == nil:
		return nil, nil
	case declared == nil || live == nil, declared.Recorded:
		return []string{"*"}, nil
	}
	differences, err := Differences(types, snap, declared, version, live, nil)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, d := range differences {
		if d.Declared && slices.Contains(paths, "*") || slices.ContainsFunc(paths, func(path string) bool { return path != "*" && overlap(path, d.Path) }) {
			found = append(found, d.Path)
		}
	}
	return found, nil
}

// Differences are the fields in which an object in the cluster departs from its
// declaration in snap, also those that Git is silent about: Old is what Git says
// of each, New what the cluster does. live is the object's JSON, of version.
// What the agent leaves alone doesn't count, and neither do the ignored fields.
func Differences(types *fields.Types, snap *gitindex.Snapshot, declared *gitindex.Declared, version string, live []byte, ignored []fields.Ignore) ([]fields.Difference, error) {
	key := declared.Key
	req := Request{Key: key, Version: version, Type: kschema.GroupVersionKind{Group: key.Group, Version: version, Kind: key.Kind}}
	c := newDecision(&req, snap, Policy{Types: types})
	update, err := c.update(declared)
	if err != nil {
		return nil, unreadable(declared, err)
	}
	update.Old, update.New, update.Tracked = declared.Manifest.JSON(), live, false
	update.Ignored = append(update.Ignored, ignored...)
	change, err := types.Compare(update)
	if err != nil {
		return nil, unreadable(declared, err)
	}
	return change.Differences, nil
}
