package gitindex

import (
	"fmt"

	"sigs.k8s.io/json"
)

// Declared is one object as the rendered manifests of a source contain it.
// It is never changed once it is in a Snapshot.
type Declared struct {
	Key        Key
	APIVersion string // as rendered: "apps/v1"
	Manifest   Manifest
	Origin     Origin

	// ScopeUnknown is true for a kind of which the renderer can't tell
	// whether it is namespaced. Key.Namespace is then the location's
	// default, and the object also answers for no namespace.
	ScopeUnknown bool

	// Dropped are fields that the kind doesn't have: the API server leaves them
	// out without a word.
	Dropped []string

	// Undetermined are the fields that differ from one rendering to the next,
	// such as a password that a template makes up: paths like FieldOrigin's.
	Undetermined []string

	// Hidden are fields that are made of a Secret's value, and never shown.
	Hidden []string

	// Generated, if not empty, is the name before the hash that Kustomize puts
	// behind it, of an object made of what only the agent can decrypt: the name
	// in Key and Manifest is a stand-in, wherever the location's objects have it. A
	// Snapshot has the name that the agent recorded instead.
	Generated string

	// Sealed is, if Manifest has decrypted values, the object with those opaque. It
	// is what may be kept and printed.
	Sealed []byte

	// Undecrypted says why something of it is opaque that the agent decrypts.
	Undecrypted string

	// Recorded is true for an object that is known by the agent's record
	// alone. Manifest names it and says no more; all its fields are Git's.
	Recorded bool
}

// Presentable is the object as it may be kept and printed: without values that
// were decrypted.
func (d *Declared) Presentable() []byte {
	if d.Sealed != nil {
		return d.Sealed
	}
	return d.Manifest.JSON()
}

// Object decodes the declared object. Whole numbers are int64, as they are in
// unstructured objects. The caller owns the result.
func (d *Declared) Object() (map[string]any, error) {
	var object map[string]any
	if err := json.UnmarshalCaseSensitivePreserveInts(d.Manifest.JSON(), &object); err != nil {
		return nil, fmt.Errorf("decoding declared %s of source %s: %w", d.Key, d.Origin.Source, err)
	}
	return object, nil
}

// Origin says where an object is declared.
type Origin struct {
	Source   string
	URL      string // of the repository, without credentials
	Revision Revision
	Path     string // the rendered location
	File     string // the file that holds the object, relative to the root; empty if unknown
	Line     int    // of the object in File, from 1; 0 if unknown

	// Fields are the places that set single fields after File did
	// (patches, image tags, generated data), in the order they apply.
	Fields []FieldOrigin
}

// FieldOrigin says which file sets a field, and everything below it.
type FieldOrigin struct {
	Path string // such as spec.template.spec.containers[name=web].image
	File string
	Line int // from 1; 0 if unknown
}
