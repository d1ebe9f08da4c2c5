package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/examples"
)

// infra is examples/infra in a repository, and a configuration that reads it.
type infra struct {
	files  string // the files on disk
	config string // the folder for --config
	cache  string
	commit string

	repository *gitserver.Repository
}

func newInfra(t *testing.T, paths ...string) infra {
	t.Helper()
	dir := t.TempDir()
	i := infra{files: filepath.Join(dir, "files"), config: filepath.Join(dir, "config"), cache: filepath.Join(dir, "cache")}
	below, err := fs.Sub(examples.FS, "infra")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(i.files, below); err != nil {
		t.Fatal(err)
	}
	files, err := gitserver.Files(below)
	if err != nil {
		t.Fatal(err)
	}
	if i.repository, err = gitserver.Init(filepath.Join(dir, "infra.git")); err != nil {
		t.Fatal(err)
	}
	i.change(t, files)
	if err := os.Mkdir(i.config, 0o700); err != nil {
		t.Fatal(err)
	}
	config := `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  git:
    url: file://` + i.repository.Dir + `
    paths:
`
	for _, path := range paths {
		config += "    - path: " + path + "\n"
	}
	config += `---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: workloads}
spec:
  mode: Enforce
  match:
    namespaceSelector: {matchLabels: {example.com/stage: staging}}
  agents:
    subjects: [{kind: ServiceAccount, namespace: argocd, name: argocd-application-controller}]
`
	i.configure(t, "all.yaml", config)
	return i
}

// change commits files.
func (i *infra) change(t *testing.T, files map[string]string) {
	t.Helper()
	var err error
	if i.commit, err = i.repository.Commit(gitserver.Commit{Files: files, Message: "infra"}); err != nil {
		t.Fatal(err)
	}
}

func (i *infra) configure(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(i.config, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// gitonly runs the plugin.
func (i infra) gitonly(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, problems bytes.Buffer
	args = append(args, "--config", i.config, "--cache-dir", i.cache)
	status = run(context.Background(), args, strings.NewReader(stdin), &out, &problems)
	return out.String(), problems.String(), status
}

func TestRenderEqualsKustomizeBuild(t *testing.T) {
	for _, path := range []string{"apps/overlays/staging", "apps/overlays/production"} {
		t.Run(path, func(t *testing.T) {
			i := newInfra(t, path)
			stdout, stderr, status := i.gitonly(t, "", "render", "--output", "json")
			if status != 0 {
				t.Fatalf("status %d: %s", status, stderr)
			}
			got := map[string]any{}
			for line := range strings.Lines(stdout) {
				keep(t, got, []byte(line))
			}
			built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(i.files, path))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{}
			for _, resource := range built.Resources() {
				object, err := resource.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				keep(t, want, object)
			}
			if len(want) < 4 {
				t.Fatalf("kustomize builds only %d objects", len(want))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-kustomize build +gitonly render):\n%s", diff)
			}
		})
	}
}

func keep(t *testing.T, objects map[string]any, text []byte) {
	t.Helper()
	var object struct {
		Kind     string
		Metadata struct{ Namespace, Name string }
	}
	var whole map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	objects[object.Kind+" "+object.Metadata.Namespace+"/"+object.Metadata.Name] = whole
}

func TestRenderSaysWhereEachObjectAndFieldIsDeclared(t *testing.T) {
	i := newInfra(t, "apps/overlays/staging")
	stdout, _, status := i.gitonly(t, "", "render")
	want := `---
# source infra, apps/overlays/staging at HEAD@` + i.commit[:7] + `
# apps/base/guestbook/service.yaml:1
# apps/base/guestbook/kustomization.yaml:8: metadata.labels[app.kubernetes.io/part-of]
# apps/overlays/staging/kustomization.yaml:3: metadata.namespace
apiVersion: v1
kind: Service
metadata:
  labels:
    app.kubernetes.io/name: guestbook
    app.kubernetes.io/part-of: guestbook
  name: guestbook
  namespace: staging
spec:
`
	if status != 0 || !strings.Contains(stdout, want) {
		t.Errorf("status %d, printed:\n%s\nwithout:\n%s", status, stdout, want)
	}
}

func TestRenderSaysWhatCantBeRenderedAndPrintsTheRest(t *testing.T) {
	i := newInfra(t, "cluster-config", "apps/overlays/stagging")
	stdout, stderr, status := i.gitonly(t, "", "render")
	if status != 1 || !strings.Contains(stdout, "kind: Namespace") {
		t.Errorf("status %d, printed:\n%s", status, stdout)
	}
	want := "error: source infra: rendering apps/overlays/stagging at HEAD@" + i.commit[:7] + ": "
	if !strings.HasPrefix(stderr, want) {
		t.Errorf("got  %s\nwant %s", stderr, want)
	}
}

func TestRenderWarnsOfWhatHasNoEffect(t *testing.T) {
	i := newInfra(t, "cluster-config")
	i.change(t, map[string]string{"cluster-config/typo.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndat: {}\n"})
	i.configure(t, "more.yaml", `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: more}
spec:
  ignoreFields: [{kinds: [Deployment], paths: [spec.replica]}]
`)
	_, stderr, status := i.gitonly(t, "", "render")
	want := `warning: GuardPolicy more: spec.ignoreFields[0].paths[0]: Deployment has no field spec.replica
warning: GuardPolicy more: nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux
warning: cluster-config/typo.yaml:1: ConfigMap b/a has no field dat: the API server drops it
`
	if diff := cmp.Diff(want, stderr); status != 0 || diff != "" {
		t.Errorf("status %d, said (-want +got):\n%s", status, diff)
	}
}

func TestRenderRefusesAPolicyThatCantBeUsed(t *testing.T) {
	i := newInfra(t, "cluster-config")
	i.configure(t, "more.yaml", `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: more}
spec:
  ignoreFields: [{kinds: [Deployment], paths: ["spec["]}]
`)
	_, stderr, status := i.gitonly(t, "", "render")
	want := "error: GuardPolicy more: spec.ignoreFields[0].paths[0]: \"spec[\" is no field path: [ is no selector such as [name=web] or [*]\n"
	if status != 1 || stderr != want {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestReviewOfABrokenCommit(t *testing.T) {
	i := newInfra(t, "cluster-config", "apps/overlays/staging")
	i.change(t, map[string]string{"apps/overlays/staging/patch-replicas.yaml": "a: [\n"})
	stdout, stderr, status := i.gitonly(t, scaleUp(t), "review", "-f", "-")
	want := `Warn (Undecidable) by GuardPolicy workloads in Enforce mode, for a request by Person dana
gitonly: can't decide on Deployment staging/guestbook: not all that Git declares is known: source infra: apps/overlays/staging could never be loaded (the warning above says why).
GuardPolicy workloads lets it through.
`
	if diff := cmp.Diff(want, stdout); status != 0 || diff != "" {
		t.Errorf("status %d, printed (-want +got):\n%s", status, diff)
	}
	if want := "warning: source infra: rendering apps/overlays/staging at HEAD@" + i.commit[:7] + ": apps/overlays/staging/patch-replicas.yaml:"; !strings.HasPrefix(stderr, want) {
		t.Errorf("said %s", stderr)
	}
}

// scaleUp is the example review.
func scaleUp(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/review.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReviewAnswersForPeople(t *testing.T) {
	i := newInfra(t, "cluster-config", "apps/overlays/staging")
	stdout, stderr, status := i.gitonly(t, scaleUp(t), "review", "-f", "-")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	want := `Deny (DeclaredFieldChanged) by GuardPolicy workloads in Enforce mode, for a request by Person dana
gitonly: Deployment staging/guestbook is declared in Git: apps/overlays/staging at HEAD@` + i.commit[:7] + ` (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)
Change it there: apps/overlays/staging/patch-replicas.yaml in file://` + filepath.Join(filepath.Dir(i.config), "infra.git") + "\n"
	stdout = regexp.MustCompile(`\(checked \d+[smhd] ago\)`).ReplaceAllString(stdout, "(checked AGE ago)")
	if diff := cmp.Diff(want, stdout); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestReviewAnswersOnTheWire(t *testing.T) {
	i := newInfra(t, "cluster-config", "apps/overlays/staging")
	stdout, stderr, status := i.gitonly(t, strings.Replace(scaleUp(t), "replicas: 5", "replicas: 1", 1), "review", "-f", "-", "--output", "json")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(stdout), &review); err != nil {
		t.Fatal(err)
	}
	if !review.Response.Allowed || review.Response.UID != "a-1" || review.Response.AuditAnnotations["reason"] != "Unchanged" {
		t.Errorf("response: %s", stdout)
	}
}

func TestWrongUse(t *testing.T) {
	i := newInfra(t, "cluster-config")
	const review = "kind: AdmissionReview\napiVersion: admission.k8s.io/v1\n"
	for _, test := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"something else than a review", "kind: Pod\napiVersion: v1\n", []string{"review", "-f", "-"},
			`error: standard input holds "Pod" of "v1", not an AdmissionReview of admission.k8s.io/v1`},
		{"a review without a request", "kind: AdmissionReview\napiVersion: admission.k8s.io/v1\n", []string{"review", "-f", "-"},
			"error: the AdmissionReview in standard input has no request"},
		{"a misspelt field", review + "request: {operaton: UPDATE}\n", []string{"review", "-f", "-"},
			`error: reading the AdmissionReview in standard input: error unmarshaling JSON: while decoding JSON: json: unknown field "operaton"`},
		{"an empty request", review + "request: {}\n", []string{"review", "-f", "-"},
			"error: the AdmissionReview in standard input can't be one of the API server's:\n" +
				"request.operation is \"\": it is CREATE, UPDATE, DELETE or CONNECT\n" +
				"request.kind is missing: {group, version, kind} of the object\n" +
				"request.resource is missing: {group, version, resource}, such as {group: apps, version: v1, resource: deployments}\n" +
				"request.userInfo.username is missing: who asks\n" +
				"request.name is missing"},
		{"a patch", strings.Replace(scaleUp(t), "operation: UPDATE", "operation: PATCH", 1), []string{"review", "-f", "-"},
			"error: the AdmissionReview in standard input can't be one of the API server's:\n" +
				"request.operation is PATCH: to admission that is an UPDATE, with the whole object in object"},
		{"an update of nothing, nowhere", review + "request: {operation: UPDATE, kind: {version: v1, kind: Pod}, resource: {version: v1, resource: pods}, userInfo: {username: dana}, object: {metadata: {name: a, namespace: b}}}\n", []string{"review", "-f", "-"},
			"error: the AdmissionReview in standard input can't be one of the API server's:\n" +
				"request.oldObject is missing: the object before\n" +
				"request.namespace is missing: the object is in b"},
		{"a file that isn't there", "", []string{"review", "-f", "gone.json"},
			"error: reading the AdmissionReview: open gone.json: no such file or directory"},
		{"an output that isn't there", "", []string{"render", "--output", "xml"},
			"error: --output=xml: it is yaml or json"},
		{"a misspelt flag", "", []string{"render", "--confg", "x"},
			"error: unknown flag: --confg; kubectl gitonly render --help lists the flags"},
		{"no review at all", "", []string{"review"},
			`error: required flag(s) "filename" not set`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stderr, status := i.gitonly(t, test.stdin, test.args...)
			if status != 1 || strings.TrimSpace(stderr) != test.want {
				t.Errorf("status %d\ngot  %s\nwant %s", status, stderr, test.want)
			}
		})
	}
}
