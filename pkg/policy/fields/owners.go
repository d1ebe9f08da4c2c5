package fields

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// owners is an object's metadata.managedFields: for each client the fields that
// it set last. What mutating admission changes is nobody's, as the API server
// writes the request's own entry before it runs.
type owners struct {
	each []owner
	all  *fieldpath.Set
}

type owner struct {
	entry
	fields *fieldpath.Set
}

// entry says whose fields they are. Two are the same owner if it is equal.
type entry struct {
	Manager     string `json:"manager"`
	Operation   string `json:"operation"`
	APIVersion  string `json:"apiVersion"`
	Subresource string `json:"subresource"`
}

// parseOwners reads managedFields. An error means that nothing may be
// concluded from it: it can't be read, or it holds paths of another version,
// which name other fields.
func parseOwners(managedFields any, version string) (owners, error) {
	parsed := owners{all: fieldpath.NewSet()}
	if managedFields == nil {
		return parsed, nil
	}
	entries, err := entriesOf(managedFields)
	if err != nil {
		return owners{}, err
	}
	for _, e := range entries {
		if e.APIVersion != version {
			return owners{}, fmt.Errorf("the fields of %s are those of %s, not of %s", e.Manager, e.APIVersion, version)
		}
		set, err := e.set()
		if err != nil {
			return owners{}, err
		}
		parsed.each = append(parsed.each, owner{entry: e.entry, fields: set})
		parsed.all = parsed.all.Union(set)
	}
	return parsed, nil
}

// managedEntry is an entry of managedFields.
type managedEntry struct {
	entry
	FieldsV1 json.RawMessage `json:"fieldsV1"`
}

func entriesOf(managedFields any) ([]managedEntry, error) {
	text, ok := managedFields.(unread)
	encoded := []byte(text)
	if !ok {
		var err error
		if encoded, err = json.Marshal(managedFields); err != nil {
			return nil, fmt.Errorf("encoding managedFields: %w", err)
		}
	}
	var entries []managedEntry
	if err := json.Unmarshal(encoded, &entries); err != nil {
		return nil, fmt.Errorf("decoding managedFields: %w", err)
	}
	return entries, nil
}

func (e managedEntry) set() (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if len(e.FieldsV1) == 0 {
		return set, nil
	}
	if err := set.FromJSON(bytes.NewReader(e.FieldsV1)); err != nil {
		return nil, fmt.Errorf("decoding the fields of %s: %w", e.Manager, err)
	}
	return set, nil
}

// of are the owners of a place, of anything below it, or of something above it
// as one value.
func (o owners) of(place fieldpath.Path) []owner {
	var found []owner
	for _, one := range o.each {
		if o.has(one, place) {
			found = append(found, one)
		}
	}
	return found
}

func (o owners) has(one owner, place fieldpath.Path) bool {
	set, all := one.fields, o.all
	for i, step := range place {
		below, inside := set.Children.Get(step)
		if i == len(place)-1 {
			return inside || set.Members.Has(step)
		}
		anyones, parts := all.Children.Get(step)
		if !inside {
			// Where clients own parts of it, it is not one value.
			return set.Members.Has(step) && !parts
		}
		set, all = below, anyones
	}
	return false
}

// sameOwners reports whether a place has the same owners on both sides.
func sameOwners(a, b []owner) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(one owner) bool {
		return !slices.ContainsFunc(b, func(other owner) bool { return one.entry == other.entry })
	})
}

// maxUpdaters is how many clients the API server tells apart, appliers aside.
const maxUpdaters = 10

func (o owners) updaters() int {
	count := 0
	for _, one := range o.each {
		if one.Operation != "Apply" {
			count++
		}
	}
	return count
}

// isKubectl reports whether the fields were written by a person at a terminal,
// as far as the name of their client tells.
func isKubectl(o owner) bool {
	return o.Manager == "kubectl" || strings.HasPrefix(o.Manager, "kubectl-")
}
