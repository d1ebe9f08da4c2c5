package render

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var small = fstest.MapFS{
	"app/kustomization.yaml":    {Data: []byte("resources: [c.yaml]\n")},
	"app/c.yaml":                {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")},
	"chart/Chart.yaml":          {Data: []byte("apiVersion: v2\nname: chart\nversion: 1.0.0\n")},
	"custom/kustomization.yaml": {Data: []byte("resources: [c.yaml]\nopenapi: {path: schema.json}\n")},
	"custom/c.yaml":             {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")},
	"custom/schema.json":        {Data: []byte(`{"definitions": {}}`)},
}

func mustRender(t *testing.T, r *Renderer, path string) {
	t.Helper()
	if _, _, err := r.Render(context.Background(), small, gitindex.Location{Path: path}); err != nil {
		t.Fatal(err)
	}
}

func TestAChildRendersOneKustomizationAfterAnother(t *testing.T) {
	r := New(Options{Child: OwnChild()})
	mustRender(t, r, "app")
	first := r.children.idle[0].Process
	mustRender(t, r, "app")
	if idle := r.children.idle; len(idle) != 1 || idle[0].Process != first {
		t.Errorf("%d are idle, or another one", len(idle))
	}
	r.children.end(r.children.idle[0])
	if len(r.children.idle) > 0 || first.Usable() {
		t.Error("it didn't end")
	}
	mustRender(t, r, "app")
}

func TestAChildThatWasKilledIsReplaced(t *testing.T) {
	r := New(Options{Child: OwnChild()})
	mustRender(t, r, "app")
	r.children.idle[0].End()
	mustRender(t, r, "app")
	if idle := r.children.idle; len(idle) != 1 || !idle[0].Usable() {
		t.Errorf("%d are idle", len(idle))
	}
}

func TestAChildThatHadASchemaOfARepositoryRendersNothingElse(t *testing.T) {
	r := New(Options{Child: OwnChild()})
	mustRender(t, r, "custom")
	if len(r.children.idle) > 0 {
		t.Error("it waits for more work")
	}
}

func TestAChartTakesTheRoomOfAnIdleChild(t *testing.T) {
	r := New(Options{Child: OwnChild()})
	mustRender(t, r, "app")
	idle := r.children.idle[0]
	mustRender(t, r, "chart")
	if !idle.Usable() {
		t.Error("there was room for both")
	}
	r.children.slots <- struct{}{} // another one works
	mustRender(t, r, "chart")
	if idle.Usable() {
		t.Errorf("there were more than %d", maxChildren)
	}
}

// What a child was told ahead is of another location: this one would be too
// large with it.
func TestWhatAKilledChildWasToldIsNotCounted(t *testing.T) {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n#" + strings.Repeat("x", 600) + "\n"
	files := fstest.MapFS{
		"one/kustomization.yaml": {Data: []byte("resources: [../shared/c.yaml]\n")},
		"shared/c.yaml":          {Data: []byte(text)},
		"two/kustomization.yaml": {Data: []byte("resources: [c.yaml]\n")},
		"two/c.yaml":             {Data: []byte(text)},
	}
	r := New(Options{Child: OwnChild(), MaxBytes: 1000})
	for _, path := range []string{"one", "two"} {
		if _, _, err := r.Render(context.Background(), files, gitindex.Location{Path: path}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		r.children.idle[0].End()
	}
}

// A child that is told of the kustomization, and asks for what is too large, has
// to be asked again when the kustomization names something else.
func TestInputsOfWhatIsTooLargeAreComplete(t *testing.T) {
	small := []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
	large := []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n#" + strings.Repeat("x", 2000) + "\n")
	files := fstest.MapFS{
		"one/kustomization.yaml": {Data: []byte("resources: [c.yaml]\n")},
		"one/c.yaml":             {Data: small},
		"two/kustomization.yaml": {Data: []byte("resources: [large.yaml]\n")},
		"two/large.yaml":         {Data: large},
	}
	r := New(Options{Child: OwnChild(), MaxBytes: 1000})
	if _, _, err := r.Render(context.Background(), files, gitindex.Location{Path: "one"}); err != nil {
		t.Fatal(err)
	}
	_, inputs, err := r.Render(context.Background(), files, gitindex.Location{Path: "two"})
	if want := "reading two/large.yaml: the files of this location are larger than 1000 bytes in all: split it into several locations"; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	for _, name := range []string{"two/kustomization.yaml", "two/large.yaml"} {
		changed := maps.Clone(files)
		changed[name] = &fstest.MapFile{Data: small}
		if inputs.Unchanged(changed) {
			t.Errorf("it wouldn't be rendered again when %s changes", name)
		}
	}
}
