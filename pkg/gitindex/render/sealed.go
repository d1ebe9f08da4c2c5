package render

import (
	"maps"
	"reflect"
	"slices"
)

// opaque is a value as SOPS encrypts it, with nothing in it: the comparison
// takes it for one that it can't know.
const opaque = "ENC[]"

// seal makes opaque what is otherwise in another build of the object.
func (o *object) seal(other map[string]any, why string) {
	places := differing(o.fields, other)
	if len(places) == 0 && o.generated == "" {
		return
	}
	o.undecrypted = why
	o.fields = sealed(o.fields, places)
}

// differing are the places in an object at which another one has something
// else. What names the object is none of them.
func differing(object, other map[string]any) [][]any {
	var places [][]any
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch name {
		case "apiVersion", "kind":
		case "metadata":
			metadata, _ := object[name].(map[string]any)
			others, _ := other[name].(map[string]any)
			for _, field := range slices.Sorted(maps.Keys(metadata)) {
				if field != "name" && field != "namespace" {
					places = append(places, differingAt(metadata[field], others[field], []any{name, field})...)
				}
			}
		default:
			places = append(places, differingAt(object[name], other[name], []any{name})...)
		}
	}
	return places
}

func differingAt(value, other any, at []any) [][]any {
	if reflect.DeepEqual(value, other) {
		return nil
	}
	var places [][]any
	below := func(step any) []any { return append(at[:len(at):len(at)], step) }
	switch v := value.(type) {
	case map[string]any:
		others, _ := other.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			places = append(places, differingAt(v[name], others[name], below(name))...)
		}
	case []any:
		others, _ := other.([]any)
		for i, item := range v {
			var o any
			if i < len(others) {
				o = others[i]
			}
			places = append(places, differingAt(item, o, below(i))...)
		}
	default:
		return [][]any{at}
	}
	return places
}

// sealed is an object with opaque values at some places, in the form of one
// that SOPS encrypted.
func sealed(object map[string]any, places [][]any) map[string]any {
	made := object
	for _, at := range places {
		made, _ = covered(made, at, 0).(map[string]any)
	}
	if len(places) > 0 && made["sops"] == nil {
		made = maps.Clone(made)
		made["sops"] = map[string]any{}
	}
	return made
}

// covered is a value with an opaque one at a place in it. What isn't there any
// more was dropped, or has another name in a map that is opaque then.
func covered(value any, place []any, depth int) any {
	if depth == len(place) {
		return opaque
	}
	switch v := value.(type) {
	case map[string]any:
		name, _ := place[depth].(string)
		member, has := v[name]
		switch {
		case has:
			made := maps.Clone(v)
			made[name] = covered(member, place, depth+1)
			return made
		case depth == 0 || depth == 1 && place[0] == "metadata":
			return value
		}
	case []any:
		if i, ok := place[depth].(int); ok && i < len(v) {
			made := slices.Clone(v)
			made[i] = covered(v[i], place, depth+1)
			return made
		}
	}
	return opaque
}
