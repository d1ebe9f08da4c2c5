package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/backport"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// checkoutOf makes a checkout with these remotes.
func checkoutOf(t *testing.T, remotes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{{"init", "--quiet"}, {"remote", "add", "a"}, {"remote", "add", "b"}} {
		if args[0] == "remote" {
			if len(remotes) == 0 {
				break
			}
			args, remotes = append(args, remotes[0]), remotes[1:]
		}
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	return dir
}

func TestWhatIsWrongWithBackportIsSaidInOneLine(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(empty, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", empty)
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	none, checkout := t.TempDir(), checkoutOf(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no object":   {nil, "no object is named: write KIND/NAME, such as deployment/web"},
		"no name":     {[]string{"deploy"}, `"deploy" names no object: write KIND/NAME, such as deployment/web`},
		"no checkout": {[]string{"deploy/web", "--dir", none}, "finding the checkout that " + none + " is in: not a git repository (or any of the parent directories): .git; name one with --dir"},
		"no cluster":  {[]string{"deploy/web", "--dir", checkout}, "finding the cluster: there is no kubeconfig: name one with --kubeconfig, or in $KUBECONFIG"},
		"two sources": {[]string{"deploy/web", "--config", "x", "--path", "y"}, "if any flags in the group [config path] are set none of the others can be; [config path] were all set"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append([]string{"backport"}, c.args...), nil, &stdout, &stderr)
			if code != 1 || stdout.Len() > 0 || stderr.String() != "error: "+c.want+"\n" {
				t.Errorf("exit status %d, printed %q, and on standard error %q", code, stdout.String(), stderr.String())
			}
		})
	}
}

func TestACheckoutIsOfTheSourcesThatItsRemotesName(t *testing.T) {
	dir := checkoutOf(t, "git@git.example.com:org/infra", "https://token:x@mirror.example.com/infra.git")
	below := filepath.Join(dir, "apps")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, elsewhere := range map[string]bool{dir: false, below: true} {
		t.Chdir(folder)
		if tree, err := findWorkTree(t.Context(), "."); err != nil || tree.elsewhere != elsewhere {
			t.Errorf("in %s: elsewhere is %t, %v", folder, tree.elsewhere, err)
		}
	}
	tree, err := findWorkTree(t.Context(), below)
	if err != nil {
		t.Fatal(err)
	}
	source := func(name, url string) gitindex.Source {
		return gitindex.Source{Name: name, Repository: gitindex.Repository{URL: url}}
	}
	got, err := tree.of([]gitindex.Source{
		source("a", "https://git.example.com/org/infra.git"), source("b", "https://git.example.com/org/apps"), source("c", "ssh://git@mirror.example.com/infra"),
	})
	if err != nil || len(got) != 2 || got[0].Name != "a" || got[1].Name != "c" {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = tree.of([]gitindex.Source{source("b", "https://me:secret@git.example.com/org/apps")})
	want := "no source is of the repository in " + tree.root + " (its remotes: git@git.example.com:org/infra, https://mirror.example.com/infra.git; " +
		"the sources' repositories: https://git.example.com/org/apps): name a checkout of one of these with --dir, or the folder that is rendered with --path"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestTheEmergencyToBringIsOpenOrTheLatestThatGitLacks(t *testing.T) {
	record := func(name, from, state, fields string) string {
		return "- metadata: {name: " + name + "}\n" +
			"  spec: {object: {kind: Namespace, name: staging}, reason: INC-" + name + ", openedBy: {user: dana}, from: \"" + from + "\", until: \"2026-03-01T12:00:00Z\"}\n" +
			"  status: {state: " + state + ", changes: [{object: {group: apps, kind: Deployment, namespace: staging, name: web}, fields: [" + fields + "]}]}\n"
	}
	const early, late = "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"
	for name, c := range map[string]struct {
		records string
		want    *emergency
	}{
		"none":                              {"", nil},
		"an open one before a later":        {record("a", early, "Active", "spec.replicas") + record("b", late, "Expired", "spec.paused"), &emergency{"a", "dana", "INC-a", []string{"spec.replicas"}}},
		"two that are open":                 {record("a", early, "Active", "spec.replicas") + record("b", late, "Active", "spec.paused"), &emergency{"b", "dana", "INC-b", []string{"spec.paused", "spec.replicas"}}},
		"the latest of those that are over": {record("a", early, "Ended", "spec.replicas") + record("b", late, "Expired", "spec.paused"), &emergency{"b", "dana", "INC-b", []string{"spec.paused"}}},
		"not one that Git has":              {record("a", late, "Reconciled", "spec.replicas"), nil},
		"not one that changed no field":     {record("a", late, "Active", ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := v1alpha1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			var list v1alpha1.BreakGlassList
			if err := yaml.UnmarshalStrict([]byte("items:\n"+c.records), &list); err != nil {
				t.Fatal(err)
			}
			reader := fake.NewClientBuilder().WithScheme(scheme).WithLists(&list).Build()
			got, err := latestEmergency(t.Context(), reader, gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"})
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(emergency{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestWhatBecameOfEachFieldIsSaid(t *testing.T) {
	value := func(text string) fields.Value { return fields.Value{Present: true, Text: text} }
	object := &target{namespace: "staging", name: "web", mapping: &apimeta.RESTMapping{GroupVersionKind: kschema.GroupVersionKind{Kind: "Deployment"}}}
	replicas := fields.Difference{Path: "spec.replicas", Declared: true, Git: value("1"), New: value("5")}
	paused := fields.Difference{Path: "spec.paused", New: value("true")}
	removed := fields.Difference{Path: "spec.minReadySeconds", Declared: true, Git: value("3")}
	hidden := fields.Difference{Path: "spec.url", Declared: true, Git: fields.Value{Present: true, Hidden: true}, New: fields.Value{Present: true, Hidden: true}}
	record := &emergency{"staging-web", "dana", "INC-1234", nil}
	for name, c := range map[string]struct {
		record *emergency
		result backport.Result
		want   string
		fails  bool
	}{
		"all is in the patch": {record, backport.Result{
			Placed: []backport.Placed{{Difference: replicas, File: "apps/web.yaml"}, {Difference: paused, File: "apps/web.yaml"}},
			Edits:  map[string]backport.Edit{"apps/web.yaml": {}},
		}, `Deployment staging/web, what was changed in the emergency of BreakGlass staging-web (dana: INC-1234):
  spec.replicas: Git says 1, the cluster says 5   (in the patch: apps/web.yaml)
  spec.paused: not in Git, the cluster says true   (in the patch: apps/web.yaml)
The patch is for git apply in /infra.
`, false},
		"some is not": {nil, backport.Result{
			Left:  []backport.Left{{Difference: removed, File: "apps/web.yaml", Line: 7, Why: "it is a guess"}, {Difference: hidden, Why: "it is secret"}},
			Alone: []fields.Difference{replicas, paused},
		}, `Deployment staging/web, where it departs from what the checkout declares (no emergency is on record that has still to be brought to Git):
  spec.minReadySeconds: Git says 3, the cluster has it no more   (apps/web.yaml:7)
    not in the patch: it is a guess
  spec.url: it departs from Git's value (not shown)
    not in the patch: it is secret
  spec.replicas: Git says 1, the cluster says 5
    not in the patch: it wasn't changed in the emergency
`, true},
		"there is nothing": {record, backport.Result{}, "The checkout says the same of Deployment staging/web: there is nothing to bring.\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := tell(&out, object, c.record, &workTree{root: "/infra"}, &c.result)
			if diff := cmp.Diff(c.want, out.String()); diff != "" || (err != nil) != c.fails {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestOutsideOfTheRootThePatchComesWithTheCommandThatAppliesAllOfIt(t *testing.T) {
	object := &target{namespace: "staging", name: "web", mapping: &apimeta.RESTMapping{GroupVersionKind: kschema.GroupVersionKind{Kind: "Deployment"}}}
	result := backport.Result{Edits: map[string]backport.Edit{"base/web.yaml": {}}}
	var out strings.Builder
	if err := tell(&out, object, nil, &workTree{root: "/dana's infra", elsewhere: true}, &result); err != nil {
		t.Fatal(err)
	}
	want := "The patch is for git apply in /dana's infra.\n" +
		`warning: this folder isn't its root, and git apply may leave files out here without a word: use git -C '/dana'\''s infra' apply` + "\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %s", out.String())
	}
}

func TestAPathThatIsNotThereIsTheOneError(t *testing.T) {
	object := &target{namespace: "staging", name: "web", mapping: &apimeta.RESTMapping{GroupVersionKind: kschema.GroupVersionKind{Kind: "Deployment"}}}
	tree := &workTree{root: "/infra", files: os.DirFS(t.TempDir())}
	found := findings{sources: []gitindex.Source{{Name: "--path", Locations: []gitindex.Location{{Path: "apps/stagin"}}}}}
	var stdout, stderr strings.Builder
	err := bringBack(t.Context(), &stdout, &stderr, tree, object, found)
	want := "nothing that can be rendered in /infra declares Deployment staging/web; what can't: source --path, path apps/stagin: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("got %v, printed %q and %q", err, stdout.String(), stderr.String())
	}
}
