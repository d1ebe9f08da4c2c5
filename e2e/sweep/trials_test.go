package sweep

import (
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// trial is a change that a person tries.
type trial struct {
	thing  *thing
	op     string
	at     field                                 // what a refusal must name
	values []any                                 // tried in turn, until the API server accepts one
	mutate func(live any, value any) (any, bool) // false if there is nothing to change
}

func (t trial) String() string { return fmt.Sprintf("%s %s: %s", t.thing.name, t.op, t.at) }

// The ways in which an object can be changed.
const (
	opChange = "change"    // a declared field gets another value
	opRemove = "remove"    // a declared field goes
	opAdd    = "add"       // a field comes that Git doesn't have
	opInsert = "add item"  // an item comes that Git doesn't have
	opDrop   = "drop item" // a declared item goes
	opSwap   = "swap"      // two declared items change places
)

var ops = []string{opChange, opRemove, opAdd, opInsert, opDrop, opSwap}

// trials are all changes of an object that the sweep tries.
func (t *thing) trials() []trial {
	var all []trial
	for _, f := range leaves(nil, t.applied) {
		if identity(f) {
			continue
		}
		at, spell := inCluster(t.git, f)
		old, _ := f.get(t.applied)
		values := others(f, old)
		switch old.(type) {
		case map[string]any, []any, nil: // the structure is empty: anything in it is new
			values = t.scene.types.made(at, t.typeAt(at), 0)
		}
		for i := range values {
			values[i] = spell(values[i])
		}
		all = append(all, trial{t, opChange, at, values, at.change})
		if _, item := f[len(f)-1].(int); !item {
			all = append(all, trial{t, opRemove, at, []any{nil}, at.take})
		}
	}
	return append(all, t.structural(nil, t.applied)...)
}

func (t *thing) typeAt(f field) schema.TypeRef {
	return t.scene.types.at(t.scene.types.of(t.git), f)
}

// structural are the trials that add, take and move members and items.
func (t *thing) structural(at field, value any) []trial {
	var all []trial
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return nil // the change of an empty structure is tried as a leaf
		}
		for _, s := range t.scene.types.siblings(at, v, t.typeAt(at)) {
			if !outside(s.at) {
				all = append(all, trial{t, opAdd, s.at, s.values, s.at.add})
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, t.structural(at.with(name), v[name])...)
		}
	case []any:
		for i, item := range v {
			all = append(all, trial{t, opDrop, at.with(i), []any{nil}, at.with(i).take})
			all = append(all, t.structural(at.with(i), item)...)
		}
		if len(v) > 0 {
			all = append(all, trial{t, opInsert, at.with(len(v)), likeLast(at, v), at.insert})
		}
		if list := t.scene.types.atom(t.typeAt(at)).List; len(v) > 1 && (list == nil || !isSet(list)) {
			all = append(all, trial{t, opSwap, at, []any{nil}, at.swap})
		}
	}
	return all
}

// isSet reports whether the order of a list's items says nothing.
func isSet(list *schema.List) bool {
	return list.ElementRelationship == schema.Associative && len(list.Keys) == 0
}

// outside reports whether a field is none of Git's business by design: what
// the API server and clients keep for themselves, and the status that Git
// doesn't declare.
func outside(f field) bool {
	return f[0] == "status" || f[0] == "apiVersion" || f[0] == "kind" || f[0] == "stringData" || slices.Contains([]string{
		"metadata.creationTimestamp", "metadata.deletionGracePeriodSeconds", "metadata.deletionTimestamp", "metadata.generation",
		"metadata.managedFields", "metadata.name", "metadata.namespace", "metadata.resourceVersion", "metadata.selfLink", "metadata.uid",
	}, f.String())
}

// likeLast are new items for a list: its last one with other values.
func likeLast(at field, list []any) []any {
	last := list[len(list)-1]
	all := []any{}
	changed := last
	for _, f := range leaves(at.with(len(list)), last) {
		old, _ := f.get(at.set(nil, append(slices.Clone(list), last)))
		values := others(f, old)
		for _, value := range values[:min(3, len(values))] {
			all = append(all, f[len(at)+1:].set(last, value))
		}
		if len(values) > 0 {
			changed = f[len(at)+1:].set(changed, values[0])
		}
	}
	all = append(all, changed)
	return all[:min(len(all), most)]
}

func (f field) change(live, value any) (any, bool) { return f.set(live, value), true }

func (f field) take(live, _ any) (any, bool) {
	if _, ok := f.get(live); !ok {
		return nil, false
	}
	return f.remove(live), true
}

// add sets the field where it isn't yet, or is as the API server has it.
func (f field) add(live, value any) (any, bool) {
	if parent, ok := f[:len(f)-1].get(live); !ok || parent == nil {
		return nil, false
	}
	return f.set(live, value), true
}

func (f field) insert(live, value any) (any, bool) {
	list, ok := f.get(live)
	items, isList := list.([]any)
	if !ok || !isList {
		return nil, false
	}
	return f.with(len(items)).set(live, value), true
}

func (f field) swap(live, _ any) (any, bool) {
	list, _ := f.get(live)
	items, _ := list.([]any)
	if len(items) < 2 {
		return nil, false
	}
	items = slices.Clone(items)
	items[0], items[1] = items[1], items[0]
	return f.set(live, items), true
}
