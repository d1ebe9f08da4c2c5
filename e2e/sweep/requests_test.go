package sweep

import (
	"context"
	"encoding/json"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ktypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// request writes an object in some way, without changing it.
type request struct {
	way  string
	send func(ctx context.Context, t *thing, live *unstructured.Unstructured) error
}

var dryUpdate = metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}}

func patch(kind ktypes.PatchType, make func(t *thing, live *unstructured.Unstructured) any, subresource ...string) func(context.Context, *thing, *unstructured.Unstructured) error {
	return func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		body := make(t, live)
		if body == nil {
			return errNotApplicable
		}
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		options := metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}
		if kind == ktypes.ApplyPatchType {
			options.Force, options.FieldManager = new(true), "sweep"
		}
		_, err = t.person.Patch(ctx, t.objectName(), kind, text, options, subresource...)
		return err
	}
}

var errNotApplicable = apierrors.NewBadRequest("there is nothing to write in this way")

// notApplicable reports whether the kind can't be written in that way at all.
func notApplicable(err error) bool {
	return err == errNotApplicable || apierrors.IsNotFound(err) || strings.Contains(err.Error(), "must be specified for an update")
}

// replaceByGit takes away what others have added, and Git is silent about: it
// is no way to leave an object as it is, and its refusals are only counted.
const replaceByGit = "update to what Git says, and nothing else"

// requests are what tools send for an object that stays as it is.
var requests = []request{
	{"update", func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		_, err := t.person.Update(ctx, live.DeepCopy(), dryUpdate)
		return err
	}},
	{"update without resourceVersion and managedFields", func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		bare := live.DeepCopy()
		bare.SetResourceVersion("")
		bare.SetManagedFields(nil)
		_, err := t.person.Update(ctx, bare, dryUpdate)
		return err
	}},
	{"update of status", func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		_, err := t.person.UpdateStatus(ctx, live.DeepCopy(), dryUpdate)
		return err
	}},
	{"update of scale", func(ctx context.Context, t *thing, _ *unstructured.Unstructured) error {
		scale, err := t.person.Get(ctx, t.objectName(), metav1.GetOptions{}, "scale")
		if err != nil {
			return errNotApplicable
		}
		_, err = t.person.Update(ctx, scale, dryUpdate, "scale")
		return err
	}},
	{"merge patch of scale with the same replicas", func(ctx context.Context, t *thing, _ *unstructured.Unstructured) error {
		scale, err := t.person.Get(ctx, t.objectName(), metav1.GetOptions{}, "scale")
		if err != nil {
			return errNotApplicable
		}
		same := func(*thing, *unstructured.Unstructured) any { return map[string]any{"spec": scale.Object["spec"]} }
		return patch(ktypes.MergePatchType, same, "scale")(ctx, t, nil)
	}},
	{"update through another version", func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		gk := live.GroupVersionKind().GroupKind()
		mappings, err := t.scene.mapper.RESTMappings(gk)
		if err != nil || len(mappings) < 2 {
			return errNotApplicable
		}
		for _, m := range mappings {
			client := t.scene.person.Resource(m.Resource).Namespace(live.GetNamespace())
			object, err := client.Get(ctx, live.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			if _, err := client.Update(ctx, object, dryUpdate); err != nil {
				return err
			}
		}
		return nil
	}},
	{replaceByGit, func(ctx context.Context, t *thing, live *unstructured.Unstructured) error {
		wanted := &unstructured.Unstructured{Object: clone(t.applied).(map[string]any)}
		wanted.SetResourceVersion(live.GetResourceVersion())
		_, err := t.person.Update(ctx, wanted, dryUpdate)
		return err
	}},
	{"empty merge patch", patch(ktypes.MergePatchType, func(*thing, *unstructured.Unstructured) any { return map[string]any{} })},
	{"empty strategic merge patch", patch(ktypes.StrategicMergePatchType, func(t *thing, _ *unstructured.Unstructured) any {
		return t.ifBuiltIn(map[string]any{})
	})},
	{"empty JSON patch", patch(ktypes.JSONPatchType, func(*thing, *unstructured.Unstructured) any { return []any{} })},
	{"the same labels and annotations", patch(ktypes.MergePatchType, func(_ *thing, live *unstructured.Unstructured) any {
		return map[string]any{"metadata": map[string]any{"labels": live.GetLabels(), "annotations": live.GetAnnotations()}}
	})},
	{"client-side apply's annotation", patch(ktypes.MergePatchType, func(*thing, *unstructured.Unstructured) any {
		return map[string]any{"metadata": map[string]any{"annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}
	})},
	{"merge patch with what Git says", patch(ktypes.MergePatchType, func(t *thing, _ *unstructured.Unstructured) any { return t.applied })},
	{"strategic merge patch with what Git says", patch(ktypes.StrategicMergePatchType, func(t *thing, _ *unstructured.Unstructured) any {
		return t.ifBuiltIn(t.applied)
	})},
	{"server-side apply of what Git says", patch(ktypes.ApplyPatchType, func(t *thing, _ *unstructured.Unstructured) any { return t.applied })},
	{"server-side apply of the object as it is", patch(ktypes.ApplyPatchType, func(_ *thing, live *unstructured.Unstructured) any {
		bare := live.DeepCopy()
		bare.SetManagedFields(nil)
		return bare.Object
	})},
	{"nulls written out", spelled(func(any) (any, bool) { return nil, true })},
	{"empty maps and lists written out", spelled(func(made any) (any, bool) {
		switch made.(type) {
		case []any:
			return []any{}, true
		case map[string]any:
			return map[string]any{}, true
		}
		return nil, false
	})},
	{"false, 0 and empty texts written out", spelled(func(made any) (any, bool) {
		switch made.(type) {
		case bool:
			return false, true
		case int64:
			return int64(0), true
		case string:
			return "", true
		}
		return nil, false
	})},
	{"quantities spelled otherwise", quantities},
}

// ifBuiltIn returns a strategic merge patch where there is such a thing.
func (t *thing) ifBuiltIn(body map[string]any) any {
	if !isBuiltIn(t.git) {
		return nil
	}
	return body
}

func isBuiltIn(object map[string]any) bool {
	return scheme.Scheme.Recognizes((&unstructured.Unstructured{Object: object}).GroupVersionKind())
}
