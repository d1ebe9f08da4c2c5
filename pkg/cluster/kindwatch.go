package cluster

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// kindRetry is how long a kind that the cluster doesn't know is left alone.
const kindRetry = 5 * time.Second

// kindWatch keeps the objects of a kind that the cluster may come to know only
// later, such as those of an agent that isn't installed yet.
type kindWatch struct {
	kind     kschema.GroupKind
	selector string // of labels; empty for all
	store    cache.Store
	known    atomic.Bool
	served   atomic.Bool // the cluster knows the kind
	changed  func()
}

func newKindWatch(kind kschema.GroupKind, selector string, changed func()) *kindWatch {
	return &kindWatch{kind: kind, selector: selector, store: cache.NewStore(cache.MetaNamespaceKeyFunc), changed: changed}
}

// run watches until ctx ends.
func (w *kindWatch) run(ctx context.Context, mapper meta.RESTMapper, objects dynamic.Interface) {
	for {
		mapping, err := mapper.RESTMapping(w.kind)
		if err == nil {
			w.served.Store(true)
			w.watch(ctx, objects.Resource(mapping.Resource))
			return
		}
		if meta.IsNoMatchError(err) && w.known.CompareAndSwap(false, true) {
			w.changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(kindRetry):
		}
	}
}

func (w *kindWatch) watch(ctx context.Context, objects dynamic.NamespaceableResourceInterface) {
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = w.selector
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = w.selector
			return objects.Watch(ctx, options)
		},
	}
	cache.NewReflectorWithOptions(list, &unstructured.Unstructured{}, w, cache.ReflectorOptions{
		Name: w.kind.String(), TypeDescription: w.kind.String(),
	}).RunWithContext(ctx)
}

// list returns the objects. They must not be changed.
func (w *kindWatch) list() []*unstructured.Unstructured {
	stored := w.store.List()
	objects := make([]*unstructured.Unstructured, 0, len(stored))
	for _, object := range stored {
		objects = append(objects, object.(*unstructured.Unstructured))
	}
	return objects
}

// light drops what nobody asks for and takes most of the room.
func light(object any) any {
	if u, ok := object.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
	}
	return object
}

// Add implements cache.ReflectorStore.
func (w *kindWatch) Add(object any) error { return w.after(w.store.Add(light(object))) }

// Update implements cache.ReflectorStore.
func (w *kindWatch) Update(object any) error { return w.after(w.store.Update(light(object))) }

// Delete implements cache.ReflectorStore.
func (w *kindWatch) Delete(object any) error { return w.after(w.store.Delete(object)) }

// Replace implements cache.ReflectorStore.
func (w *kindWatch) Replace(objects []any, version string) error {
	for _, object := range objects {
		light(object)
	}
	err := w.store.Replace(objects, version)
	w.known.Store(true)
	return w.after(err)
}

// Resync implements cache.ReflectorStore.
func (w *kindWatch) Resync() error { return nil }

func (w *kindWatch) after(err error) error {
	w.changed()
	return err
}
