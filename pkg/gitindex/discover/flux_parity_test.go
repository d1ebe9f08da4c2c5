package discover_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/sourceignore"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// TestOurObjectsAreThoseOfFlux renders each tree twice: by what discovery makes
// of the Kustomization in it, and by the libraries that Flux's controllers
// consist of, on the disk and in their order.
func TestOurObjectsAreThoseOfFlux(t *testing.T) {
	files, err := filepath.Glob("testdata/flux/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			compared += compareWithFlux(t, file)
		})
	}
	t.Logf("compared %d objects", compared)
	if compared < 40 {
		t.Errorf("compared %d objects: the test data is not all there", compared)
	}
}

// gitRepository is what the Kustomizations of the tests refer to.
const gitRepository = `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: infra, namespace: flux-system}
spec: {url: https://git.example.com/infra.git, interval: 1m, ref: {branch: main}}
`

func compareWithFlux(t *testing.T, file string) int {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cluster := newFluxCluster(t, gitRepository, string(archive.Comment))
	root := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found := discover.Flux{}.Find(context.Background(), cluster)
	if len(found.Problems) > 0 || len(found.Sources) != 1 {
		t.Fatalf("found %d sources, problems %v", len(found.Sources), found.Problems)
	}
	ours, _, ourErr := render.New(render.Options{}).Render(context.Background(), os.DirFS(root), found.Sources[0].Locations[0])
	theirs, theirErr := fluxBuild(t, cluster, root)
	if (ourErr == nil) != (theirErr == nil) {
		t.Fatalf("ours: %v\nFlux: %v", ourErr, theirErr)
	}
	if len(ours) != len(theirs) {
		t.Fatalf("%d objects, Flux makes %d", len(ours), len(theirs))
	}
	for i := range ours {
		got := decoded(t, ours[i].Manifest.JSON())
		if metadata := theirs[i]["metadata"].(map[string]any); !ours[i].ScopeUnknown && ours[i].Key.Namespace == "default" && metadata["namespace"] == nil {
			metadata["namespace"] = "default"
		}
		if diff := cmp.Diff(theirs[i], got); diff != "" {
			t.Errorf("%s differs from Flux's (-Flux +ours):\n%s", ours[i].Key, diff)
		}
		if at := ours[i].Origin; at.File != "" {
			if _, err := os.Stat(filepath.Join(root, at.File)); err != nil {
				t.Errorf("%s is from no file: %v", ours[i].Key, err)
			}
		}
	}
	t.Logf("%d objects, ours: %v, Flux: %v", len(ours), ourErr, theirErr)
	return len(ours)
}

// fluxBuild does what source-controller and kustomize-controller do with a
// tree, which it changes.
func fluxBuild(t *testing.T, cluster fluxCluster, root string) ([]map[string]any, error) {
	t.Helper()
	ctx := context.Background()
	object := cluster.List(schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"})[0]
	var k kustomizev1.Kustomization
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &k); err != nil {
		t.Fatal(err)
	}
	exclude(t, cluster, root)
	dir := filepath.Join(root, filepath.FromSlash(k.Spec.Path))
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	if _, err := fluxkustomize.NewGenerator(root, *object).WriteFile(dir); err != nil {
		return nil, err
	}
	resources, err := fluxkustomize.SecureBuild(root, dir, false)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, resource := range resources.Resources() {
		if k.Spec.PostBuild != nil {
			always := k.GetSubstituteStrategy() == kustomizev1.SubstituteStrategyAlways
			if _, err := fluxkustomize.SubstituteVariables(ctx, dataClient{cluster: cluster}, *object, resource, fluxkustomize.SubstituteWithAlways(always)); err != nil {
				return nil, err
			}
		}
		text, err := resource.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		made := decoded(t, text)
		// As its library for server-side apply does, which is not at hand.
		labels := map[string]string{"kustomize.toolkit.fluxcd.io/name": k.Name, "kustomize.toolkit.fluxcd.io/namespace": k.Namespace}
		var annotations map[string]string
		if common := k.Spec.CommonMetadata; common != nil {
			maps.Copy(labels, common.Labels)
			annotations = common.Annotations
		}
		u := unstructured.Unstructured{Object: made}
		for name, value := range labels {
			set(u, value, "labels", name)
		}
		for name, value := range annotations {
			set(u, value, "annotations", name)
		}
		all = append(all, made)
	}
	return all, nil
}

func set(object unstructured.Unstructured, value string, field, name string) {
	metadata := object.Object["metadata"].(map[string]any)
	entries, _ := metadata[field].(map[string]any)
	if entries == nil {
		entries = map[string]any{}
		metadata[field] = entries
	}
	entries[name] = value
}

// exclude removes what source-controller leaves out of its archives.
func exclude(t *testing.T, cluster fluxCluster, root string) {
	t.Helper()
	domain := strings.Split(root, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(root, domain)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range cluster.List(schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"}) {
		if ignore, ok, _ := unstructured.NestedString(repository.Object, "spec", "ignore"); ok {
			patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(ignore), domain)...)
		}
	}
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	var gone []string
	err = filepath.Walk(root, func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && matcher.Match(strings.Split(name, string(filepath.Separator)), false) {
			gone = append(gone, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range gone {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		// Folders of which nothing is left are not in an archive.
		for dir := filepath.Dir(name); dir != root && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
		}
	}
}

func decoded(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

// dataClient reads ConfigMaps and Secrets, which is all that Flux asks it for.
type dataClient struct {
	client.Client
	cluster fluxCluster
}

func (c dataClient) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch object := into.(type) {
	case *corev1.ConfigMap:
		data, err := c.cluster.Data(ctx, "ConfigMap", key.Namespace, key.Name)
		object.Data = map[string]string{}
		for name, value := range data {
			object.Data[name] = string(value)
		}
		return err
	case *corev1.Secret:
		data, err := c.cluster.Data(ctx, "Secret", key.Namespace, key.Name)
		object.Data = data
		return err
	}
	panic("not asked for")
}
