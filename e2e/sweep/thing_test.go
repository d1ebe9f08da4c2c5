package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
)

// thing is a declared object.
type thing struct {
	scene   *scene
	name    string         // such as Deployment sweep/web
	git     map[string]any // as Git has it
	applied map[string]any // as the agent applies it
	person  dynamic.ResourceInterface
	agent   dynamic.ResourceInterface
}

func newThing(s *scene, git map[string]any) *thing {
	object := unstructured.Unstructured{Object: git}
	name := object.GetKind() + " " + strings.TrimPrefix(object.GetNamespace()+"/"+object.GetName(), "/")
	return &thing{scene: s, name: name, git: git, applied: decrypted(git)}
}

// order has what others need come first.
func (t *thing) order() int {
	kinds := []any{"Namespace", "CustomResourceDefinition", "PriorityClass", "RuntimeClass", "ServiceAccount", "Node"}
	if i := slices.Index(kinds, t.git["kind"]); i >= 0 {
		return i
	}
	return len(kinds)
}

// served waits for the thing's kind, which is served some time after its
// definition is there.
func (t *thing) served(ctx context.Context, do func(*thing, context.Context) error) error {
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		err := do(t, ctx)
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return false, nil
		}
		return true, err
	})
}

// connect finds out where the API server serves the thing.
func (t *thing) connect() error {
	object := unstructured.Unstructured{Object: t.applied}
	gvk := object.GroupVersionKind()
	mapping, err := t.scene.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.scene.mapper.Reset()
		return err
	}
	person, agent := t.scene.person.Resource(mapping.Resource), t.scene.agent.Resource(mapping.Resource)
	t.person, t.agent = person, agent
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		t.person, t.agent = person.Namespace(object.GetNamespace()), agent.Namespace(object.GetNamespace())
	}
	return nil
}

// apply has the agent apply the thing, as Flux does.
func (t *thing) apply(ctx context.Context) error {
	if err := t.connect(); err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: t.applied}
	_, err := t.agent.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "kustomize-controller", Force: true})
	return err
}

// live is the object in the cluster.
func (t *thing) live(ctx context.Context) (*unstructured.Unstructured, error) {
	object, err := t.person.Get(ctx, t.objectName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.name, err)
	}
	return object, nil
}

func (t *thing) objectName() string {
	return (&unstructured.Unstructured{Object: t.git}).GetName()
}
