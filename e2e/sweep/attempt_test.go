package sweep

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// outcome is what became of a trial.
type outcome string

const (
	refused  outcome = "refused"         // by gitonly, by the field's path
	slipped  outcome = "slipped"         // accepted, and the object would change
	misnamed outcome = "misnamed"        // refused by gitonly, by another path
	invalid  outcome = "invalid"         // refused by the API server, before gitonly is asked
	noChange outcome = "no change"       // accepted, and the object would stay as it is
	absent   outcome = "not in cluster"  // there is nothing to remove or move
	broken   outcome = "webhook failure" // gitonly could not be asked
)

// proves reports whether gitonly decided.
func (o outcome) proves() bool { return o == refused || o == slipped || o == misnamed }

const denial = `admission webhook "validate.gitonly.dev" denied the request: `

// denied returns gitonly's message, if err is its refusal.
func denied(err error) (message string, ok bool) {
	if err == nil {
		return "", false
	}
	_, message, ok = strings.Cut(err.Error(), denial)
	return message, ok
}

func webhookFailed(err error) bool {
	return err != nil && strings.Contains(err.Error(), "failed calling webhook")
}

// namedFields are the paths that a refusal names.
func namedFields(message string) []string {
	var paths []string
	for line := range strings.Lines(message) {
		line, indented := strings.CutPrefix(line, "  ")
		for _, saying := range []string{": Git says ", ": Git leaves it out", ": not in Git", ": the request departs"} {
			if path, _, ok := strings.Cut(line, saying); ok && indented {
				paths = append(paths, path)
				break
			}
		}
	}
	return paths
}

// cache holds a thing's live state while many goroutines try it.
type cache struct {
	mu   sync.Mutex
	live *unstructured.Unstructured
}

func (c *cache) get(ctx context.Context, t *thing, stale *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live != nil && c.live != stale {
		return c.live, nil
	}
	var err error
	c.live, err = t.live(ctx)
	return c.live, err
}

// result is a trial's outcome with the request that proves it.
type result struct {
	trial   trial
	outcome outcome
	naming  naming
	value   any
	detail  string
	live    map[string]any // before the request
}

// run tries a trial's values until one proves something.
func (tr trial) run(ctx context.Context, c *cache) (result, error) {
	best := result{trial: tr, outcome: invalid, detail: "no other value is known"}
	for i, value := range tr.values {
		r, err := tr.attempt(ctx, c, value)
		if err != nil || r.outcome.proves() || r.outcome == absent || r.outcome == broken || r.settled() {
			return r, err
		}
		if i == 0 || r.outcome == noChange {
			best = r
		}
	}
	return best, nil
}

// settled reports whether the API server would refuse any other value as well.
func (r result) settled() bool {
	return r.outcome == invalid && slices.ContainsFunc([]string{"immutable", "may not change", "may not specify more than 1"}, func(saying string) bool {
		return strings.Contains(r.detail, saying)
	})
}

// attempt tries one value by a dry-run update of the whole object.
func (tr trial) attempt(ctx context.Context, c *cache, value any) (result, error) {
	var live *unstructured.Unstructured
	for range 20 {
		var err error
		if live, err = c.get(ctx, tr.thing, live); err != nil {
			return result{}, err
		}
		mutated, ok := tr.mutate(live.Object, value)
		if !ok {
			return result{trial: tr, outcome: absent}, nil
		}
		wanted := &unstructured.Unstructured{Object: mutated.(map[string]any)}
		after, err := tr.thing.person.Update(ctx, wanted.DeepCopy(), metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsConflict(err) {
			continue // a controller was faster
		}
		r := result{trial: tr, value: value, live: live.Object}
		r.judge(wanted, after, err)
		return r, ctx.Err()
	}
	return result{}, errors.New(tr.String() + ": the object keeps changing")
}

func (r *result) judge(wanted, after *unstructured.Unstructured, err error) {
	message, ours := denied(err)
	switch {
	case ours:
		r.outcome, r.naming, r.detail = misnamed, elsewhere, message
		for _, path := range namedFields(message) {
			n := relate(path, r.trial.at, r.trial.thing.git, r.live, wanted.Object)
			if n == below && !r.mayNameBelow() {
				n = elsewhere
			}
			if n != elsewhere {
				r.outcome = refused
				if r.naming == elsewhere || n == exactly {
					r.naming = n
				}
			}
		}
	case webhookFailed(err):
		r.outcome, r.detail = broken, err.Error()
	case err != nil:
		r.outcome, r.detail = invalid, err.Error()
	case reflect.DeepEqual(essence(r.live), essence(after.Object)):
		r.outcome = noChange
	default:
		r.outcome, r.detail = slipped, fmt.Sprintf("set to %v", r.value)
	}
}

// mayNameBelow reports whether the trial puts, takes or moves more than one
// value: a message may then name a part of it.
func (r *result) mayNameBelow() bool {
	switch r.value.(type) {
	case map[string]any, []any:
		return true
	}
	live, _ := r.trial.at.get(r.live)
	switch live.(type) {
	case map[string]any, []any:
		return true
	}
	return r.trial.op == opSwap || r.trial.op == opDrop
}

// essence is an object without what changes with every write, and without
// nulls, which say the same as absence.
func essence(object map[string]any) map[string]any {
	copied := withoutNulls(clone(object)).(map[string]any)
	if metadata, ok := copied["metadata"].(map[string]any); ok {
		for _, name := range []string{"managedFields", "resourceVersion", "generation"} {
			delete(metadata, name)
		}
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
			if copied["kind"] == "Deployment" {
				delete(annotations, "deployment.kubernetes.io/revision") // its controller writes it again at once
			}
			if len(annotations) == 0 {
				delete(metadata, "annotations")
			}
		}
	}
	return copied
}

func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if withoutNulls(member) == nil {
				delete(v, name)
			}
		}
	case []any:
		for _, item := range v {
			withoutNulls(item)
		}
	}
	return value
}
