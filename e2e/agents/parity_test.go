package agents_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// variants are the files of an archive. $GIT_URL in them is this run's.
func (s *scene) variants(t *testing.T, archive string) map[string]string {
	t.Helper()
	parsed, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range parsed.Files {
		files[file.Name] = strings.ReplaceAll(string(file.Data), "$GIT_URL", s.url)
	}
	return files
}

// finder finds an agent's sources.
type finder interface {
	Find(ctx context.Context, cluster discover.Cluster) discover.Found
}

// declared is what gitonly makes of the agent's objects and of Git, as they are now.
func (s *scene) declared(ctx context.Context, t *testing.T, f finder) *gitindex.Snapshot {
	t.Helper()
	found := f.Find(ctx, &liveCluster{ctx: ctx, t: t, client: s.client})
	if found.Err != nil || len(found.Problems) > 0 {
		t.Fatalf("the agent's sources can't all be found: %v %v", found.Err, found.Problems)
	}
	noCredentials := func(context.Context, gitindex.Repository) (git.Credentials, error) { return git.Credentials{}, nil }
	renderer := render.New(render.Options{Child: render.OwnChild()})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var refresher *gitindex.Refresher
	refresher = gitindex.NewRefresher(&gitindex.Index{}, git.New(t.TempDir(), noCredentials, git.Options{}), renderer, nil, logr.Discard(), gitindex.Options{
		StartTimeout: patience,
		OnChange: func(*gitindex.Snapshot) {
			if refresher.Ready() {
				cancel()
			}
		},
	})
	refresher.SetSources(found.Sources)
	if err := refresher.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	snapshot := refresher.Latest()
	for _, state := range snapshot.Sources() {
		for _, fault := range state.Faults() {
			t.Errorf("%s: %v", state.Source.Name, fault)
		}
	}
	return snapshot
}

// sameAsLive checks that the objects of gitonly's are those that the agent applied, none missing, and logs how
// many there are. The API server itself compares: it is asked, as a dry run, to apply gitonly's object in the agent's
// name. Where the two differ the object would change: by a value of gitonly's, or by one that goes because
// the agent alone applied it. What the API server fills in is the same in both. The second way needs that
// the agent applies on the server's side, as manager: of least objects it must.
func (s *scene) sameAsLive(ctx context.Context, t *testing.T, snapshot *gitindex.Snapshot, manager string, least int) {
	t.Helper()
	for _, state := range snapshot.Sources() {
		for _, recorded := range state.Source.Recorded {
			if d := snapshot.Lookup(recorded.Key); d != nil && !d.Recorded {
				continue
			}
			// Argo CD records what it skips as well.
			live := &unstructured.Unstructured{}
			live.SetAPIVersion(recorded.APIVersion)
			live.SetKind(recorded.Key.Kind)
			err := s.client.Get(ctx, client.ObjectKey{Namespace: recorded.Key.Namespace, Name: recorded.Key.Name}, live)
			if !apierrors.IsNotFound(err) {
				t.Errorf("the agent applied %s of %s, and gitonly doesn't make it (error: %v)", recorded.Key, state.Source.Name, err)
			}
		}
	}
	objects, whole, fields := 0, 0, 0
	for _, d := range snapshot.All() {
		content, err := d.Object()
		if err != nil {
			t.Fatal(err)
		}
		if _, encrypted := content["sops"]; encrypted {
			continue // only the agent knows what it applies
		}
		made := &unstructured.Unstructured{Object: content}
		made.SetNamespace(d.Key.Namespace)
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(made.GroupVersionKind())
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(made), live); err != nil {
			t.Errorf("%s of %s: %v", d.Key, d.Origin.Source, err)
			continue
		}
		objects, fields = objects+1, fields+leaves(content)
		if operation(live, manager) == "Apply" {
			whole++ // what only the agent applied goes
		}
		err = s.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(made), client.FieldOwner(manager), client.ForceOwnership, client.DryRunAll)
		if err != nil {
			t.Errorf("%s of %s: %v", d.Key, d.Origin.Source, err)
			continue
		}
		for _, o := range []*unstructured.Unstructured{made, live} {
			o.SetManagedFields(nil)
			unstructured.RemoveNestedField(o.Object, "status") // its controller is at it
			o.SetResourceVersion("")
			o.SetGeneration(0)
		}
		if diff := gocmp.Diff(live.Object, made.Object); diff != "" {
			t.Errorf("%s of %s is not what the agent applied (-agent +gitonly):\n%s", d.Key, d.Origin.Source, diff)
		}
	}
	t.Logf("compared %d objects with %d fields, %d of the objects both ways", objects, fields, whole)
	if whole < least {
		t.Errorf("compared %d objects both ways, want %d: the test data is not all there", whole, least)
	}
}

// leaves are the values in an object that hold no others.
func leaves(value any) int {
	count := 0
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			count += leaves(v)
		}
	case []any:
		for _, v := range value {
			count += leaves(v)
		}
	default:
		return 1
	}
	return max(count, 1)
}
