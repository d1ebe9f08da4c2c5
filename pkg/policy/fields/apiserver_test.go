package fields_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// apiServer keeps one object as the API server does: the managedFields are
// written by the API server's own code.
type apiServer struct {
	tracker *managedfields.FieldManager
	kind    kschema.GroupVersionKind
	live    *unstructured.Unstructured
}

func newAPIServer(kind kschema.GroupVersionKind) *apiServer {
	converter := applyconfigurations.NewTypeConverter(scheme.Scheme)
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(kind)
	return &apiServer{tracker: managedfieldstest.NewFakeFieldManager(converter, kind), kind: kind, live: live}
}

// step is a write: an update with the whole object, or a server-side apply,
// and what mutating admission makes of it.
type step struct {
	manager string
	object  string
	apply   bool
	mutate  func(object map[string]any)
}

// write does what the API server does before validating admission, and returns
// the object that a webhook would be shown as the new one.
func (s *apiServer) write(w step) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.Object = parse(w.object)
	object.SetGroupVersionKind(s.kind)
	var result runtime.Object
	if w.apply {
		var err error
		if result, err = s.tracker.Apply(s.live, object, w.manager, true); err != nil {
			panic(err)
		}
	} else {
		object.SetUID(s.live.GetUID())
		result = s.tracker.UpdateNoErrors(s.live, object, w.manager)
	}
	written := result.(*unstructured.Unstructured)
	written.SetUID("3c7a")
	if w.mutate != nil {
		w.mutate(written.Object)
	}
	return written
}

// update plays the history, and is the last write as a webhook is asked about
// it.
func (s *apiServer) update(git string, history []step, request step) fields.Update {
	for _, w := range history {
		s.live = s.write(w)
	}
	return fields.Update{
		Type: s.kind, Declared: gitindex.NewManifest(encode(parse(git))), Old: encode(s.live.Object), New: encode(s.write(request).Object),
		Tracked: true, Manager: request.manager,
	}
}

func encode(object map[string]any) []byte {
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return encoded
}

// parse reads YAML with the types of JSON.
func parse(text string) map[string]any {
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	var object map[string]any
	if err := kjson.Unmarshal(encoded, &object); err != nil {
		panic(err)
	}
	return object
}

// expect compares, and wants these differences. Unread: Git declares a version
// that nothing can read.
func expect(t *testing.T, update fields.Update, unread bool, want []string) {
	t.Helper()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	if unread {
		update.Version = "v0"
	}
	change, err := types.Compare(update)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range change.Differences {
		got = append(got, describe(d))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s\nmanagedFields were and are\n%s\n%s", diff, managedFields(t, update.Old), managedFields(t, update.New))
	}
}

func managedFields(t *testing.T, object []byte) string {
	t.Helper()
	var decoded unstructured.Unstructured
	if err := json.Unmarshal(object, &decoded.Object); err != nil {
		t.Fatal(err)
	}
	metadata, _ := decoded.Object["metadata"].(map[string]any)
	encoded, err := json.Marshal(metadata["managedFields"])
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
