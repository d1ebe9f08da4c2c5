package sweep

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// spelled writes out members that the object leaves away, structure by
// structure, as spell says by example. What the API server makes a change of
// is no spelling of the same: the agent, whom gitonly lets do anything, finds
// out.
func spelled(spell func(made any) (any, bool)) func(context.Context, *thing, *unstructured.Unstructured) error {
	return func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		var wrong []error
		tried := false
		for at, members := range t.leftAway(live.Object) {
			mutated := any(live.Object)
			for _, m := range members {
				if value, ok := spell(m.values[0]); ok {
					mutated = m.at.set(mutated, value)
				}
			}
			ok, err := t.sameForTheAgent(ctx, live, mutated)
			if !ok || err != nil {
				continue
			}
			tried = true
			if _, err := t.person.Update(ctx, &unstructured.Unstructured{Object: mutated.(map[string]any)}, dryUpdate); err != nil {
				wrong = append(wrong, fmt.Errorf("in %s: %w", at, err))
			}
		}
		if !tried {
			return errNotApplicable
		}
		return errors.Join(wrong...)
	}
}

// leftAway are the members that each structure of a live object doesn't have.
func (t *thing) leftAway(live any) map[string][]sibling {
	found := map[string][]sibling{}
	var visit func(at field, value any)
	visit = func(at field, value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, s := range t.scene.types.siblings(at, v, t.typeAt(at)) {
				m := t.scene.types.atom(t.typeAt(at)).Map
				if m != nil && len(m.Fields) > 0 && len(s.values) > 0 && !outside(s.at) {
					found[at.String()] = append(found[at.String()], s)
				}
			}
			for name, member := range v {
				if f := at.with(name); !outside(f) {
					visit(f, member)
				}
			}
		case []any:
			for i, item := range v {
				visit(at.with(i), item)
			}
		}
	}
	visit(nil, live)
	return found
}

// sameForTheAgent reports whether the API server makes no change of an update.
func (t *thing) sameForTheAgent(ctx context.Context, live *unstructured.Unstructured, mutated any) (bool, error) {
	object := &unstructured.Unstructured{Object: clone(mutated).(map[string]any)}
	after, err := t.agent.Update(ctx, object, dryUpdate)
	if err != nil {
		return false, err
	}
	return reflect.DeepEqual(essence(live.Object), essence(after.Object)), nil
}

// quantities writes each quantity in units that nobody would choose.
func quantities(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
	mutated := any(live.Object)
	any := false
	for _, f := range leaves(nil, live.Object) {
		value, _ := f.get(mutated)
		text, ok := value.(string)
		if !ok || f[0] == "metadata" || f[0] == "data" || !quantity.MatchString(text) {
			continue
		}
		amount := resource.MustParse(text)
		respelled := f.set(mutated, fmt.Sprintf("%dm", amount.MilliValue()))
		if same, err := t.sameForTheAgent(ctx, live, respelled); same && err == nil {
			mutated, any = respelled, true
		}
	}
	if !any {
		return errNotApplicable
	}
	_, err := t.person.Update(ctx, &unstructured.Unstructured{Object: mutated.(map[string]interface{})}, dryUpdate)
	return err
}
