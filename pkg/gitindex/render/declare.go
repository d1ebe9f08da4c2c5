package render

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/builtin"
)

// declare makes the objects of a location into declarations.
func declare(objects []object, at gitindex.Location, options Options) ([]gitindex.Declared, error) {
	if len(objects) > options.MaxObjects {
		return nil, tooMany(options.MaxObjects)
	}
	d := declarer{at: at, scopes: scopesOf(objects), left: options.MaxBytes, seen: map[gitindex.Key]*object{}}
	for i := range objects {
		if err := d.add(&objects[i]); err != nil {
			return nil, err
		}
	}
	if err := d.addOthers(); err != nil {
		return nil, err
	}
	return d.declared, nil
}

type declarer struct {
	at       gitindex.Location
	scopes   scopes
	left     int64
	seen     map[gitindex.Key]*object
	declared []gitindex.Declared
}

var (
	errNoName   = errors.New("the object has no metadata.name: give it one")
	errTooLarge = errors.New("the objects of this location are too large in all: split it into several")
)

func (d *declarer) add(o *object) error {
	metadata, ok := o.fields["metadata"].(map[string]any)
	if !ok {
		return o.fault(errNoName)
	}
	if name, ok := text(metadata, "name"); ok && name == "" {
		if generate, _ := text(metadata, "generateName"); generate != "" {
			return nil
		}
		return o.fault(errNoName)
	}
	own, _ := text(metadata, "namespace")
	key, unknown, err := d.key(o, metadata)
	if err != nil {
		return err
	}
	if unapplied(metadata, d.at.Build.Unapplied) {
		return nil
	}
	if err := d.mark(o, metadata, key, own); err != nil {
		return err
	}
	if !d.applied(o, metadata) {
		return nil
	}
	if first, twice := d.seen[key]; twice {
		return o.fault(fmt.Errorf("%s is declared here and in %s: remove one of them", key, first.place()))
	}
	return d.declare(o, key, unknown)
}

func (d *declarer) declare(o *object, key gitindex.Key, unknown bool) error {
	d.seen[key] = o
	version, _ := text(o.fields, "apiVersion")
	dropped, err := o.check(key, version)
	if err != nil {
		return err
	}
	encoded, err := compact(o.fields)
	if err != nil {
		return o.fault(fmt.Errorf("encoding %s: %w", key, err))
	}
	if d.left -= int64(len(encoded)); d.left < 0 {
		return o.fault(errTooLarge)
	}
	presentable, err := o.presentable()
	if err != nil {
		return o.fault(fmt.Errorf("encoding %s: %w", key, err))
	}
	d.declared = append(d.declared, gitindex.Declared{
		Key: key, APIVersion: version, Manifest: gitindex.NewManifest(encoded), ScopeUnknown: unknown, Dropped: dropped,
		Undetermined: o.undetermined, Hidden: o.hidden, Origin: o.origin(),
		Generated: o.generated, Sealed: presentable, Undecrypted: o.undecrypted,
	})
	return nil
}

// presentable is the object without decrypted values, which are hidden; nil if
// it has none.
func (o *object) presentable() ([]byte, error) {
	if len(o.secrets) == 0 {
		return nil, nil
	}
	other := sealed(o.fields, o.secrets)
	for _, field := range differences(o.fields, other) {
		if field != "sops" {
			o.hide([]string{field})
		}
	}
	return compact(other)
}

// key puts the namespace into metadata where the object will have it.
func (d *declarer) key(o *object, metadata map[string]any) (key gitindex.Key, unknown bool, err error) {
	for _, field := range []string{"name", "namespace"} {
		if _, ok := text(metadata, field); !ok {
			return key, false, o.fault(fmt.Errorf("metadata.%s has to be text: put it in quotes", field))
		}
	}
	version, _ := text(o.fields, "apiVersion")
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	key.Group = group
	key.Kind, _ = text(o.fields, "kind")
	key.Name, _ = text(metadata, "name")
	own, _ := text(metadata, "namespace")
	namespace := cmp.Or(d.at.Build.Namespace, own, d.at.Namespace, "default")
	switch d.scopes.of(key.Group, key.Kind) {
	case namespaced:
		metadata["namespace"] = namespace
		key.Namespace = namespace
	case clusterScoped:
		// The API server drops it as well.
		delete(metadata, "namespace")
	default:
		key.Namespace = namespace
		unknown = true
		if own != "" {
			metadata["namespace"] = namespace
		}
	}
	return key, unknown, nil
}

// check returns the fields that the API server drops, and refuses what it can't
// read: of kinds whose types are known here.
func (o *object) check(key gitindex.Key, apiVersion string) (dropped []string, err error) {
	if _, ok := builtinScopes[groupKind{key.Group, key.Kind}]; !ok {
		return nil, nil
	}
	dropped, err = builtin.Check(kschema.FromAPIVersionAndKind(apiVersion, key.Kind), o.fields)
	if err == nil {
		return dropped, nil
	}
	file, line := o.file, o.line
	if fault, ok := errors.AsType[*builtin.Fault](err); ok {
		origin := o.origin()
		file, line = origin.Locate(fault.Path)
	}
	return nil, &gitindex.RenderError{File: file, Line: line, Err: fmt.Errorf("%s: %w", key, err)}
}

func (o *object) origin() gitindex.Origin {
	return gitindex.Origin{File: o.file, Line: o.line, Fields: o.sets}
}

func (o *object) place() string {
	switch {
	case o.file == "":
		return "another file"
	case o.line > 0:
		return fmt.Sprintf("%s:%d", o.file, o.line)
	}
	return o.file
}
