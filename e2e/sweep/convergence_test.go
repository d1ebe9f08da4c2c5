package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ktypes "k8s.io/apimachinery/pkg/types"
)

// sampled is how many trials of an object and a way of changing it are led back.
const sampled = 4

// drifter is the name under which changes are made: the one by which kubectl
// edit goes. A person may take back what was added under it.
const drifter = "kubectl-edit"

// The ways back from a change.
const (
	backByUpdate = "back by update" // the object as it was
	backByApply  = "back by apply"  // what Git says
	elsewhereTo  = "to a third value"
)

// convergence makes changes that the mutation sweep proved, as a person's kubectl
// would if gitonly weren't there, and has a person undo them.
func (s *scene) convergence(t *testing.T) {
	if s.proved == nil {
		t.Skip("the mutation sweep has to run first")
	}
	byThing := map[*thing][]result{}
	for _, r := range s.proved {
		if r.trial.thing.harmless(r.trial) {
			byThing[r.trial.thing] = append(byThing[r.trial.thing], r)
		}
	}
	things := slices.Collect(maps.Keys(byThing))
	steps := make([][]step, len(things))
	err := sideBySide(len(things), func(i int) (err error) {
		steps[i], err = things[i].lead(t.Context(), sample(byThing[things[i]]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.judgeSteps(t, slices.Concat(steps...))
}

// harmless reports whether a change can be made for real and undone: not one
// that ends the object or the kinds of others, not one of fields that
// controllers write as well, and not one of a value that only SOPS knows.
func (t *thing) harmless(tr trial) bool {
	path := tr.at.String()
	switch t.git["kind"] {
	case "CustomResourceDefinition", "APIService":
		return false
	case "Node":
		return false // its taints are the node controller's too
	case "ClusterRole":
		if t.git["aggregationRule"] != nil || path == "aggregationRule" {
			return false
		}
	case "Secret":
		return t.git["sops"] == nil
	}
	return path != "metadata.annotations" && !strings.HasPrefix(path, "metadata.ownerReferences") && !strings.HasPrefix(path, "metadata.finalizers") && path != "immutable"
}

// sample designed a few results of each way of changing, from all over the object.
func sample(all []result) []result {
	var taken []result
	for _, op := range ops {
		var of []result
		for _, r := range all {
			if r.trial.op == op {
				of = append(of, r)
			}
		}
		for i := range min(sampled, len(of)) {
			taken = append(taken, of[i*len(of)/min(sampled, len(of))])
		}
	}
	return taken
}

// lead makes each change for real, tries the steps from there, and undoes it.
func (t *thing) lead(ctx context.Context, results []result) ([]step, error) {
	var steps []step
	for _, r := range results {
		before, drifted, err := t.drift(ctx, r)
		if err != nil || drifted == nil {
			// An earlier change left nothing to change here, or no way to.
			steps = append(steps, step{trial: r.trial, way: "change", outcome: invalid, detail: fmt.Sprint(err)})
			continue
		}
		back := t.back(ctx, r, before, drifted)
		back.cause = r.trial.staying(before, drifted)
		steps = append(steps, back, t.backByApply(ctx, r, drifted))
		if third, ok := t.third(ctx, r, drifted); ok {
			steps = append(steps, third)
		}
		if err := t.undo(ctx, before); err != nil {
			// Some changes only go one way.
			steps = append(steps, step{trial: r.trial, way: "undo", outcome: invalid, detail: err.Error()})
			if err := t.remake(ctx); err != nil {
				return steps, err
			}
		}
	}
	return steps, nil
}

// remake has the agent delete an object and make it again.
func (t *thing) remake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(t.delete(ctx), t.gone(ctx)); err != nil {
		return err
	}
	return t.apply(ctx)
}

// drift makes a change: the agent makes it, whom gitonly lets, in kubectl's name.
func (t *thing) drift(ctx context.Context, r result) (before, drifted *unstructured.Unstructured, err error) {
	for range 20 {
		if before, err = t.live(ctx); err != nil {
			return nil, nil, err
		}
		mutated, ok := r.trial.mutate(before.Object, r.value)
		if !ok {
			return nil, nil, nil
		}
		drifted, err = t.agent.Update(ctx, &unstructured.Unstructured{Object: clone(mutated).(map[string]any)}, metav1.UpdateOptions{FieldManager: drifter})
		if !apierrors.IsConflict(err) {
			return before, drifted, err
		}
	}
	return nil, nil, err
}

// at is the object as it was, as an update of what it has become.
func at(before, now *unstructured.Unstructured) *unstructured.Unstructured {
	wanted := before.DeepCopy()
	wanted.SetResourceVersion(now.GetResourceVersion())
	return wanted
}

// retry repeats a request for as long as controllers are faster.
func (t *thing) retry(ctx context.Context, now *unstructured.Unstructured, send func(now *unstructured.Unstructured) (*unstructured.Unstructured, error)) (after *unstructured.Unstructured, err error) {
	for range 20 {
		if after, err = send(now); !apierrors.IsConflict(err) {
			return after, err
		}
		var readErr error
		if now, readErr = t.live(ctx); readErr != nil {
			return nil, readErr
		}
	}
	return after, err
}

func (t *thing) back(ctx context.Context, r result, before, drifted *unstructured.Unstructured) step {
	_, err := t.retry(ctx, drifted, func(now *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return t.person.Update(ctx, at(before, now), dryUpdate)
	})
	return stepOf(r.trial, backByUpdate, err)
}

func (t *thing) backByApply(ctx context.Context, r result, drifted *unstructured.Unstructured) step {
	err := patch(ktypes.ApplyPatchType, func(t *thing, _ *unstructured.Unstructured) any { return t.applied })(ctx, t, drifted)
	return stepOf(r.trial, backByApply, err)
}

// third leads a field from one value that isn't Git's to another.
func (t *thing) third(ctx context.Context, r result, drifted *unstructured.Unstructured) (step, bool) {
	git, _ := r.trial.at.get(r.live)
	is, _ := r.trial.at.get(drifted.Object)
	values := r.trial.values
	switch r.trial.op {
	case opChange, opAdd:
	case opRemove:
		values = others(r.trial.at, git)
	default:
		return step{}, false
	}
	if _, ok := r.trial.at[:len(r.trial.at)-1].get(drifted.Object); !ok {
		return step{}, false // what it was in is gone as well
	}
	for _, value := range values {
		if isEmpty(value) || partOf(value, is) || reflect.DeepEqual(value, r.value) || reflect.DeepEqual(value, git) {
			continue // what is empty may mean Git's value, and a part of the drift is on the way back
		}
		var was, wanted *unstructured.Unstructured
		after, err := t.retry(ctx, drifted, func(now *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			was = now
			wanted = &unstructured.Unstructured{Object: r.trial.at.set(now.Object, value).(map[string]any)}
			return t.person.Update(ctx, wanted.DeepCopy(), dryUpdate)
		})
		result := result{trial: r.trial, value: value, live: was.Object}
		result.judge(wanted, after, err)
		if result.outcome == slipped { // unless the API server made Git's value of it
			if became, _ := r.trial.at.get(after.Object); reflect.DeepEqual(became, git) {
				continue
			}
		}
		if result.outcome.proves() || result.outcome == broken {
			return step{trial: r.trial, way: elsewhereTo, outcome: result.outcome, detail: result.detail}, true
		}
	}
	return step{}, false
}

func (t *thing) undo(ctx context.Context, before *unstructured.Unstructured) error {
	now, err := t.live(ctx)
	if err != nil {
		return err
	}
	_, err = t.retry(ctx, now, func(now *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return t.agent.Update(ctx, at(before, now), metav1.UpdateOptions{})
	})
	return err
}

// stepOf is a step that should be accepted.
func stepOf(tr trial, way string, err error) step {
	message, ours := denied(err)
	switch {
	case ours:
		return step{trial: tr, way: way, outcome: refused, detail: message}
	case webhookFailed(err):
		return step{trial: tr, way: way, outcome: broken, detail: err.Error()}
	case err != nil:
		return step{trial: tr, way: way, outcome: invalid, detail: err.Error()}
	}
	return step{trial: tr, way: way, outcome: noChange, detail: ""}
}
