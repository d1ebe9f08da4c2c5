package render_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const infra = "../../../examples/infra"

// TestOurObjectsAreThoseOfKustomizeOnDisk renders each tree twice: from an
// fs.FS by us, and from the disk by Kustomize as its command does.
func TestOurObjectsAreThoseOfKustomizeOnDisk(t *testing.T) {
	compared := 0
	for _, dir := range []string{"apps/base/guestbook", "apps/overlays/staging", "apps/overlays/production"} {
		t.Run("examples/infra/"+dir, func(t *testing.T) { compared += compareWithKustomize(t, infra, dir) })
	}
	for _, file := range glob(t, "testdata/parity/*.txtar") {
		t.Run(file, func(t *testing.T) {
			root := extract(t, file)
			dir := "app"
			if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
				dir = "."
			}
			compared += compareWithKustomize(t, root, dir)
		})
	}
	t.Logf("compared %d objects", compared)
	if compared < 80 {
		t.Errorf("compared %d objects: the test data is not all there", compared)
	}
}

func compareWithKustomize(t *testing.T, root, dir string) int {
	t.Helper()
	ours := renderAt(t, root, gitindex.Location{Path: dir, Render: gitindex.Kustomize})
	theirs := kustomizeOnDisk(t, filepath.Join(root, dir))
	if len(ours) != len(theirs) {
		t.Fatalf("%d objects, Kustomize makes %d", len(ours), len(theirs))
	}
	for i, d := range ours {
		want := theirs[i]
		namespaceAsDocumented(want, d)
		if diff := cmp.Diff(want, decode(t, d.Manifest.JSON())); diff != "" {
			t.Errorf("%s differs from Kustomize's (-Kustomize +ours):\n%s", d.Key, diff)
		}
		if d.Origin.File == "" {
			t.Errorf("%s has no file", d.Key)
		}
	}
	return len(ours)
}

// namespaceAsDocumented makes up for the one difference that is intended.
func namespaceAsDocumented(object map[string]any, d gitindex.Declared) {
	metadata := object["metadata"].(map[string]any)
	_, has := metadata["namespace"]
	switch {
	case d.ScopeUnknown:
	case d.Key.Namespace == "":
		delete(metadata, "namespace")
	case !has:
		metadata["namespace"] = "default"
	}
}

func kustomizeOnDisk(t *testing.T, dir string) []map[string]any {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	if strings.Contains(t.Name(), "openapi") {
		// Kustomize would go on with that schema. Reading its own one anew
		// takes a while, so it isn't done for every tree.
		defer openapi.ResetOpenAPI()
	}
	made, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("Kustomize: %v", err)
	}
	var all []map[string]any
	for _, resource := range made.Resources() {
		text, err := resource.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decode(t, text))
	}
	return all
}

func renderAt(t *testing.T, root string, at gitindex.Location) []gitindex.Declared {
	t.Helper()
	declared, _, err := renderer.Render(context.Background(), os.DirFS(root), at)
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

// extract writes the files of an archive to a temporary folder. A name that
// has "windows" in it gets Windows line ends.
func extract(t *testing.T, archive string) string {
	t.Helper()
	parsed, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, file := range parsed.Files {
		if strings.HasPrefix(file.Name, "want/") {
			continue
		}
		name := filepath.Join(root, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(file.Name, "windows") {
			file.Data = bytes.ReplaceAll(file.Data, []byte("\n"), []byte("\r\n"))
		}
		if err := os.WriteFile(name, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
