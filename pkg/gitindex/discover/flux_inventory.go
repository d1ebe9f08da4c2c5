package discover

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// recordedIn is what an entry of an inventory names: namespace_name_group_kind,
// where the name of an object of RBAC has two underscores for each colon.
func recordedIn(id, version string) (gitindex.Recorded, error) {
	namespace, rest, ok := strings.Cut(id, "_")
	kindAt := strings.LastIndexByte(rest, '_')
	if !ok || kindAt < 0 {
		return gitindex.Recorded{}, fmt.Errorf("the entry %s of its inventory is none of namespace_name_group_kind", id)
	}
	kind := rest[kindAt+1:]
	groupAt := strings.LastIndexByte(rest[:kindAt], '_')
	if groupAt < 0 {
		return gitindex.Recorded{}, fmt.Errorf("the entry %s of its inventory is none of namespace_name_group_kind", id)
	}
	key := gitindex.Key{
		Group: rest[groupAt+1 : kindAt], Kind: kind, Namespace: namespace,
		Name: strings.ReplaceAll(rest[:groupAt], "__", ":"),
	}
	return gitindex.Recorded{Key: key, APIVersion: schema.GroupVersion{Group: key.Group, Version: version}.String()}, nil
}

// record reads an inventory; entries that can't be read are problems. The
// result is never nil.
func record[E any](f *fluxFinder, name string, entries []E, of func(E) (id, version string)) []gitindex.Recorded {
	recorded := []gitindex.Recorded{}
	for _, entry := range entries {
		r, err := recordedIn(of(entry))
		if err != nil {
			f.problem(name, err)
			continue
		}
		recorded = append(recorded, r)
	}
	return recorded
}
