package sweep

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ktypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// errand is a way in which agents bring what Git says. It changes the object
// for real, even where Git doesn't say the new value yet: the agent may.
type errand struct {
	way string
	run func(ctx context.Context, t *thing, value string) error
}

// mark is the label that the agent changes.
const mark = "example.com/errand"

var errands = []errand{
	{"server-side apply", func(ctx context.Context, t *thing, value string) error {
		object := &unstructured.Unstructured{Object: t.marked(t.applied, value)}
		_, err := t.agent.Apply(ctx, t.objectName(), object, metav1.ApplyOptions{FieldManager: "kustomize-controller", Force: true})
		return err
	}},
	{"replace (PUT)", func(ctx context.Context, t *thing, value string) error {
		live, err := t.live(ctx)
		if err != nil {
			return err
		}
		_, err = t.retry(ctx, live, func(now *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return t.agent.Update(ctx, &unstructured.Unstructured{Object: t.marked(now.Object, value)}, metav1.UpdateOptions{})
		})
		return err
	}},
	{"strategic merge patch", func(ctx context.Context, t *thing, value string) error {
		if !isBuiltIn(t.git) {
			return errNotApplicable
		}
		return t.patchMark(ctx, ktypes.StrategicMergePatchType, value)
	}},
	{"merge patch", func(ctx context.Context, t *thing, value string) error {
		return t.patchMark(ctx, ktypes.MergePatchType, value)
	}},
	{"JSON patch", func(ctx context.Context, t *thing, _ string) error {
		text := []byte(`[{"op": "remove", "path": "/metadata/labels/example.com~1errand"}]`)
		_, err := t.agent.Patch(ctx, t.objectName(), ktypes.JSONPatchType, text, metav1.PatchOptions{})
		return err
	}},
}

func (t *thing) patchMark(ctx context.Context, kind ktypes.PatchType, value string) error {
	text := fmt.Appendf(nil, `{"metadata": {"labels": {%q: %q}}}`, mark, value)
	_, err := t.agent.Patch(ctx, t.objectName(), kind, text, metav1.PatchOptions{})
	return err
}

// marked is an object with the label that the agent changes.
func (t *thing) marked(object map[string]any, value string) map[string]any {
	return field{"metadata", "labels", mark}.set(clone(object), value).(map[string]any)
}

// byTheAgent has the agent change each object in all ways, delete and make it
// again, and delete it for good.
func (s *scene) byTheAgent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var tallies []tally
	for i, e := range errands {
		tallies = append(tallies, s.forEach(t, s.things, e.way, func(t *thing) error { return e.run(ctx, t, fmt.Sprint("round-", i)) }))
	}
	tallies = append(tallies, s.applyByKubectl(t))
	tallies = append(tallies, s.deleteAll(ctx, t, "delete, to make it again"))
	tallies = append(tallies, s.makeAll(ctx, t, "create (POST)", (*thing).create))
	tallies = append(tallies, s.deleteAll(ctx, t, "delete, to make it again"))
	tallies = append(tallies, s.makeAll(ctx, t, "create by server-side apply", (*thing).apply))
	tallies = append(tallies, s.deleteAll(ctx, t, "delete for good"))
	printTallies(t, fmt.Sprintf("by the agent, %d objects:", len(s.things)), "all", joined(tallies))
}

// forEach does something to things side by side, and counts what came of it.
func (s *scene) forEach(t *testing.T, things []*thing, way string, do func(*thing) error) tally {
	answers := make([]error, len(things))
	_ = sideBySide(len(things), func(i int) error { // each answer is looked at
		answers[i] = do(things[i])
		return nil
	})
	count := tally{way: way}
	for i, err := range answers {
		message, ours := denied(err)
		switch {
		case err == nil:
			count.tried++
		case ours || webhookFailed(err):
			count.tried, count.refused = count.tried+1, count.refused+1
			t.Errorf("%s: %s: refused: %v %s", things[i].name, way, err, message)
		case err != errNotApplicable:
			count.invalid++
			t.Errorf("%s: %s: %v", things[i].name, way, err)
		}
	}
	return count
}

// applyByKubectl is what agents do that apply from their own side.
func (s *scene) applyByKubectl(t *testing.T) tally {
	count := tally{way: "client-side apply"}
	var all []map[string]any
	for _, thing := range s.things {
		all = append(all, thing.marked(thing.applied, "kubectl"))
	}
	file, err := manifests(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := s.kubectl(t.Context(), "agent", "apply", "-f", "-")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(file), &stderr
	out, err := cmd.Output()
	count.tried = strings.Count(string(out), " configured")
	if err != nil || count.tried != len(all) {
		count.refused = strings.Count(stderr.String(), denial)
		t.Errorf("%s changed %d of %d objects: %v\n%s", count.way, count.tried, len(all), err, stderr.String())
	}
	return count
}

func (t *thing) create(ctx context.Context) error {
	if err := t.connect(); err != nil {
		return err
	}
	_, err := t.agent.Create(ctx, &unstructured.Unstructured{Object: clone(t.applied).(map[string]any)}, metav1.CreateOptions{})
	return err
}

// byOrder are the things in groups, those that others need first.
func (s *scene) byOrder() [][]*thing {
	groups := map[int][]*thing{}
	for _, t := range s.things {
		if t.git["kind"] != "Namespace" || t.objectName() != metav1.NamespaceDefault {
			groups[t.order()] = append(groups[t.order()], t)
		}
	}
	var all [][]*thing
	for _, order := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, groups[order])
	}
	return all
}

func (s *scene) makeAll(ctx context.Context, t *testing.T, way string, make func(*thing, context.Context) error) tally {
	count := tally{way: way}
	for _, group := range s.byOrder() {
		count.add(s.forEach(t, group, way, func(t *thing) error { return t.served(ctx, make) }))
	}
	return count
}

// deleteAll deletes what others need last, and waits until all is gone: some
// things stay until others do, as the claims that StatefulSets have made.
func (s *scene) deleteAll(ctx context.Context, t *testing.T, way string) tally {
	count := tally{way: way}
	for _, group := range slices.Backward(s.byOrder()) {
		count.add(s.forEach(t, group, way, func(t *thing) error { return t.delete(ctx) }))
	}
	waited := s.forEach(t, slices.Concat(s.byOrder()...), way, func(t *thing) error { return t.gone(ctx) })
	count.invalid += waited.invalid
	return count
}

// delete deletes for real, and takes away the finalizer that Git declares.
func (t *thing) delete(ctx context.Context) error {
	err := t.agent.Delete(ctx, t.objectName(), metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})
	if err != nil {
		return err
	}
	if _, ok := (field{"metadata", "finalizers"}).get(t.git); ok {
		_, err = t.agent.Patch(ctx, t.objectName(), ktypes.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{})
	}
	return err
}

// gone waits until an object is deleted.
func (t *thing) gone(ctx context.Context) error {
	var last *unstructured.Unstructured
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		now, err := t.agent.Get(ctx, t.objectName(), metav1.GetOptions{})
		if err == nil {
			last = now
		}
		return apierrors.IsNotFound(err), nil
	})
	if err != nil && last != nil {
		status, _ := field{"status"}.get(last.Object)
		return fmt.Errorf("%w: it is still there, with finalizers %v and status %v", err, last.GetFinalizers(), status)
	}
	return err
}

// joined adds up tallies of the same way.
func joined(tallies []tally) []tally {
	var all []tally
	for _, c := range tallies {
		i := slices.IndexFunc(all, func(other tally) bool { return other.way == c.way })
		if i < 0 {
			all = append(all, c)
			continue
		}
		all[i].add(c)
	}
	return all
}
