package cluster

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

var (
	widget   = kschema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	widgetV2 = widget.GroupKind().WithVersion("v2")
)

const (
	indexPath = "/openapi/v3"
	v1Path    = "/openapi/v3/apis/example.com/v1"
	v2Path    = "/openapi/v3/apis/example.com/v2"
	crdPath   = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
)

// lookAt follows a snapshot, and looks at the API server once.
func lookAt(t *testing.T, s *Schemas, objects ...string) time.Duration {
	t.Helper()
	s.Follow(declaring(objects...))
	pause, err := s.look(t.Context(), s.wanted, s.changes)
	if err != nil {
		t.Fatal(err)
	}
	return pause
}

// specType is the type of a Widget's spec; nil if no schema is known.
func specType(s *Schemas, kind kschema.GroupVersionKind) *schema.Map {
	merge, ref := s.Schema(kind)
	if merge == nil {
		return nil
	}
	atom, _ := merge.Resolve(ref)
	member, _ := atom.Map.FindField("spec")
	atom, _ = merge.Resolve(member.Type)
	return atom.Map
}

// ports is how a Widget's ports merge.
func ports(s *Schemas, kind kschema.GroupVersionKind) *schema.List {
	m := specType(s, kind)
	if m == nil {
		return nil
	}
	member, _ := m.FindField("ports")
	return member.Type.Inlined.List
}

func TestADeclaredKindsSchemaIsFetchedAndNoOther(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	s := api.schemas(SchemaTimes{})
	if pause := lookAt(t, s, "example.com/v1 Widget", "v1 ConfigMap"); pause != 5*time.Minute {
		t.Errorf("the next look is in %s", pause)
	}
	if diff := cmp.Diff([]string{indexPath, v1Path, crdPath}, api.questions()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	list := ports(s, widget)
	if list == nil || list.ElementRelationship != schema.Associative || !slices.Equal(list.Keys, []string{"number", "protocol"}) {
		t.Fatalf("ports merge as %+v", list)
	}
	weight, _ := list.ElementType.Inlined.Map.FindField("weight")
	if weight.Default != int64(3000000) {
		t.Errorf("the default of a whole number is %T %v", weight.Default, weight.Default)
	}
	merge, _ := s.Schema(widget)
	var names []string
	for _, kept := range merge.Types {
		names = append(names, kept.Name)
	}
	slices.Sort(names)
	want := []string{
		"__untyped_atomic_", "__untyped_deduced_", "com.example.v1.Widget",
		"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
		"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
		"io.k8s.apimachinery.pkg.apis.meta.v1.Time",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("kept types (-want +got):\n%s", diff)
	}

	lookAt(t, s, "example.com/v1 Widget")
	if diff := cmp.Diff([]string{indexPath}, api.questions()); diff != "" {
		t.Errorf("requests of the next look (-want +got):\n%s", diff)
	}
}

func TestNothingIsAskedWhileGitDeclaresNoSuchKind(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	s := api.schemas(SchemaTimes{})
	lookAt(t, s, "v1 ConfigMap")
	if asked := api.questions(); asked != nil {
		t.Errorf("requests: %q", asked)
	}
	if m := specType(s, widget); m != nil {
		t.Errorf("there is a schema: %+v", m)
	}
}

func TestAKindThatLeavesGitIsForgotten(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	s := api.schemas(SchemaTimes{})
	lookAt(t, s, "example.com/v1 Widget")
	lookAt(t, s, "v1 ConfigMap")
	if specType(s, widget) != nil || len(s.documents) > 0 || len(s.definitions) > 0 {
		t.Errorf("it is still there, and %d documents and %d definitions", len(s.documents), len(s.definitions))
	}
}

func TestAKindThatIsNotServedIsLookedForSooner(t *testing.T) {
	api := newAPIServer(t)
	s := api.schemas(SchemaTimes{})
	if pause := lookAt(t, s, "example.com/v1 Widget"); pause != 30*time.Second {
		t.Errorf("the next look is in %s", pause)
	}
	if specType(s, widget) != nil {
		t.Error("there is a schema")
	}
	api.publish("v1")
	if lookAt(t, s, "example.com/v1 Widget"); specType(s, widget) == nil {
		t.Error("there is no schema")
	}
	api.withdraw("v1")
	if lookAt(t, s, "example.com/v1 Widget"); specType(s, widget) != nil {
		t.Error("the schema outlives its kind")
	}
}

func TestVersionsWithoutConversionHoldTheSameFields(t *testing.T) {
	for _, test := range []struct {
		name        string
		define      func(*apiServer)
		declared    string
		unconverted bool
		known       []bool // v1, v2
		asked       []string
	}{
		{
			name: "nothing converts", declared: "example.com/v1 Widget", unconverted: true, known: []bool{true, true},
			define: func(a *apiServer) { a.define("None", "v1", "v2") }, asked: []string{indexPath, v1Path, crdPath, v2Path},
		},
		{
			name: "a webhook converts", declared: "example.com/v1 Widget", known: []bool{true, false},
			define: func(a *apiServer) { a.define("Webhook", "v1", "v2") }, asked: []string{indexPath, v1Path, crdPath},
		},
		{
			name: "there is no CRD, as for an aggregated API", declared: "example.com/v1 Widget", known: []bool{true, false},
			define: func(*apiServer) {}, asked: []string{indexPath, v1Path, crdPath},
		},
		{
			name: "Git declares a version that isn't served any more", declared: "example.com/v1alpha1 Widget", unconverted: true, known: []bool{true, true},
			define: func(a *apiServer) { a.define("None", "v1", "v2") }, asked: []string{indexPath, v1Path, v2Path, crdPath},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			api := newAPIServer(t)
			api.publish("v1")
			api.publish("v2", "/v1/", "/v2/")
			test.define(api)
			s := api.schemas(SchemaTimes{})
			for range 2 {
				lookAt(t, s, test.declared)
				if diff := cmp.Diff(test.asked, api.questions()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.known, []bool{specType(s, widget) != nil, specType(s, widgetV2) != nil}); diff != "" {
					t.Errorf("known versions (-want +got):\n%s", diff)
				}
				if s.Unconverted(widget.GroupKind()) != test.unconverted {
					t.Errorf("Unconverted is %t", !test.unconverted)
				}
				test.asked = []string{indexPath} // the second look finds nothing new
			}
		})
	}
}

func TestADefinitionSaysWhatScaleChanges(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	api.publish("v2", "/v1/", "/v2/")
	api.define("Webhook", "v1 .spec.size", "v2 .spec.scaling.count", "v3")
	s := api.schemas(SchemaTimes{})
	known := func() [][]string {
		v3 := widget.GroupKind().WithVersion("v3")
		return [][]string{s.Replicas(widget), s.Replicas(widgetV2), s.Replicas(v3)}
	}
	if diff := cmp.Diff([][]string{nil, nil, nil}, known()); diff != "" {
		t.Errorf("before the first look (-want +got):\n%s", diff)
	}
	lookAt(t, s, "example.com/v1 Widget")
	if diff := cmp.Diff([][]string{{"spec", "size"}, {"spec", "scaling", "count"}, nil}, known()); diff != "" {
		t.Errorf("scaled fields (-want +got):\n%s", diff)
	}

	// A change elsewhere is none of this kind.
	s.changed("other.example.com")
	api.questions()
	lookAt(t, s, "example.com/v1 Widget")
	if diff := cmp.Diff([]string{indexPath}, api.questions()); diff != "" {
		t.Errorf("requests after a change elsewhere (-want +got):\n%s", diff)
	}

	api.define("Webhook", "v1 .spec.count")
	s.changed("example.com")
	lookAt(t, s, "example.com/v1 Widget")
	if diff := cmp.Diff([]string{indexPath, crdPath}, api.questions()); diff != "" {
		t.Errorf("requests after a change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"spec", "count"}, nil, nil}, known()); diff != "" {
		t.Errorf("scaled fields after a change (-want +got):\n%s", diff)
	}

	// What it says now can't be read: what it said before may hold no longer.
	api.lock()
	s.changed("example.com")
	if _, err := s.look(t.Context(), s.wanted, s.changes); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff([][]string{nil, nil, nil}, known()); diff != "" {
		t.Errorf("scaled fields of a definition that can't be read (-want +got):\n%s", diff)
	}
}

func TestAKindThatLeavesGitTakesItsDefinitionAlong(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	api.define("None", "v1 .spec.size")
	s := api.schemas(SchemaTimes{})
	lookAt(t, s, "example.com/v1 Widget", "example.com/v1 Gear")
	lookAt(t, s, "example.com/v1 Gear")
	if len(s.definitions) > 0 || s.Replicas(widget) != nil {
		t.Errorf("%d definitions are kept, and scale changes %q", len(s.definitions), s.Replicas(widget))
	}
}

func TestWhatCannotBeFetchedStaysAsItIs(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	s := api.schemas(SchemaTimes{})
	lookAt(t, s, "example.com/v1 Widget")
	api.breakDown(true)
	pause, err := s.look(t.Context(), s.wanted, s.changes)
	if err == nil || pause != 10*time.Second {
		t.Errorf("the next look is in %s, after %v", pause, err)
	}
	if specType(s, widget) == nil {
		t.Error("the schema is gone")
	}
}

func TestAChangedDefinitionIsFollowed(t *testing.T) {
	api := newAPIServer(t)
	api.publish("v1")
	s := api.schemas(SchemaTimes{FirstLag: time.Millisecond})
	s.Follow(declaring("example.com/v1 Widget"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Start(ctx) }()
	eventually(t, "the schema is there", func() bool { return ports(s, widget) != nil })
	eventually(t, "CRDs are watched", api.watched)

	// What is published follows the CRD.
	api.define("None", "v1")
	api.publish("v1", `"x-kubernetes-list-type": "map"`, `"x-kubernetes-list-type": "atomic"`)
	eventually(t, "the schema is the new one", func() bool { return ports(s, widget).ElementRelationship == schema.Atomic })

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) { return is(), nil })
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
