package discover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// kustomization is one with a spec beside what each must have.
func kustomization(namespace, name, spec string) string {
	return fmt.Sprintf(`---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: %s}
spec:
  interval: 5m
  prune: true
  sourceRef: {kind: GitRepository, name: infra, namespace: flux-system}
%s`, name, namespace, spec)
}

func findFlux(t *testing.T, documents ...string) discover.Found {
	t.Helper()
	return discover.Flux{}.Find(context.Background(), newFluxCluster(t, documents...))
}

// oneSource finds a source, and there must be nothing wrong with it.
func oneSource(t *testing.T, documents ...string) gitindex.Source {
	t.Helper()
	found := findFlux(t, documents...)
	if len(found.Sources) != 1 || len(found.Problems) > 0 {
		t.Fatalf("found %d sources, problems %v", len(found.Sources), found.Problems)
	}
	return found.Sources[0]
}

func problemsOf(found discover.Found) string {
	var b strings.Builder
	for _, p := range found.Problems {
		fmt.Fprintf(&b, "%s: %v\n", p.Object, p.Err)
	}
	return b.String()
}

func TestAKustomizationIsASource(t *testing.T) {
	got := oneSource(t, `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: infra, namespace: flux-system}
spec:
  url: ssh://git@git.example.com/infra.git
  interval: 30s
  ref: {branch: main}
  secretRef: {name: deploy-key}
  ignore: |
    /*
    !/apps
status:
  artifact: {revision: "main@sha1:0123456789012345678901234567890123456789"}
`, kustomization("team", "apps", `
  path: ./apps/production/
  targetNamespace: shop
  namePrefix: a-
  nameSuffix: -b
  images:
  - {name: nginx, newName: mirror/nginx, newTag: "1.27", digest: "sha256:0123"}
  - {name: redis, newTag: "7"}
  - {name: unchanged}
  patches:
  - {patch: "p1"}
  - {patch: "p2", target: {group: apps, version: v1, kind: Deployment, name: web.*, namespace: shop, labelSelector: a=b, annotationSelector: c=d}}
  components: [../part]
  ignoreMissingComponents: true
  buildMetadata: [originAnnotations]
  commonMetadata: {labels: {team: shop}, annotations: {by: flux}}
  suspend: true
status:
  inventory:
    entries:
    - {id: shop_web_apps_Deployment, v: v1}
`))
	want := gitindex.Source{
		Name: "Kustomization team/apps",
		Repository: gitindex.Repository{
			URL: "ssh://git@git.example.com/infra.git", Ref: gitindex.Ref{Branch: "main"},
			Secret: gitindex.SecretRef{Namespace: "flux-system", Name: "deploy-key"},
		},
		Interval: 30 * time.Second,
		Seen:     "0123456789012345678901234567890123456789",
		Recorded: []gitindex.Recorded{{
			Key:        gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
			APIVersion: "apps/v1",
		}},
		Locations: []gitindex.Location{{
			Path: "apps/production", Render: gitindex.Kustomize,
			Build: gitindex.Build{
				Flux: true, Excluded: "/*\n!/apps\n",
				Kustomize: &gitindex.KustomizeBuild{
					NamePrefix: "a-", NameSuffix: "-b", Namespace: "shop",
					Images: []string{"nginx=mirror/nginx:1.27@sha256:0123", "redis:7"},
					Patches: []gitindex.Patch{{Patch: "p1"}, {Patch: "p2", Target: &gitindex.PatchTarget{
						Group: "apps", Version: "v1", Kind: "Deployment", Name: "web.*", Namespace: "shop",
						LabelSelector: "a=b", AnnotationSelector: "c=d",
					}}},
					Components: []string{"../part"}, SkipMissingComponents: true,
					BuildMetadata: []string{"originAnnotations"},
				},
				Marks: gitindex.Marks{
					Labels: map[string]string{
						"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "team", "team": "shop",
					},
					Annotations: map[string]string{"by": "flux"},
				},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheRefIsTheOneThatFluxTakes(t *testing.T) {
	for _, test := range []struct {
		ref  string
		want gitindex.Ref
	}{
		{"", gitindex.Ref{Branch: "master"}},
		{"ref: {}", gitindex.Ref{Branch: "master"}},
		{"ref: {branch: main}", gitindex.Ref{Branch: "main"}},
		{"ref: {branch: main, tag: v1}", gitindex.Ref{Tag: "v1"}},
		{"ref: {tag: v1, semver: 1.x}", gitindex.Ref{SemVer: "1.x"}},
		{"ref: {semver: 1.x, name: refs/heads/next}", gitindex.Ref{Branch: "next"}},
		{"ref: {name: refs/tags/v1}", gitindex.Ref{Tag: "v1"}},
		{"ref: {name: refs/heads/next, commit: abc, branch: main}", gitindex.Ref{Commit: "abc"}},
	} {
		got := oneSource(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: infra, namespace: flux-system}\nspec:\n  url: https://git.example.com/x\n  "+test.ref+"\n",
			kustomization("team", "apps", ""))
		if got.Repository.Ref != test.want {
			t.Errorf("%s is %+v, want %+v", test.ref, got.Repository.Ref, test.want)
		}
		if got.Interval != time.Minute || got.Locations[0].Path != "." {
			t.Errorf("the interval is %s, the path %s", got.Interval, got.Locations[0].Path)
		}
	}
}

func TestWhatFluxWantsSigned(t *testing.T) {
	for mode, want := range map[string]gitindex.VerifyMode{
		"HEAD": gitindex.VerifyHEAD, "head": gitindex.VerifyHEAD, "Tag": gitindex.VerifyTag, "TagAndHEAD": gitindex.VerifyTagAndHEAD,
	} {
		got := oneSource(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: infra, namespace: flux-system}\nspec:\n  url: https://git.example.com/x\n  verify: {mode: "+mode+", secretRef: {name: keys}}\n",
			kustomization("team", "apps", ""))
		want := gitindex.Verification{Mode: want, Keys: gitindex.SecretRef{Namespace: "flux-system", Name: "keys", Form: gitindex.FluxSecret}}
		if got.Repository.Verify != want {
			t.Errorf("%s is %+v, want %+v", mode, got.Repository.Verify, want)
		}
	}
}

func TestWhatOnlyFluxCanRenderIsKnownByItsRecord(t *testing.T) {
	object := func(kind, spec string) string {
		return "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: " + kind + "\nmetadata: {name: infra, namespace: flux-system}\nspec:\n  " + spec + "\n"
	}
	const url = "{interval: 1m, url: https://git.example.com/x"
	for _, test := range []struct {
		kind, spec string
		other      string
		why        string
		problem    bool
	}{
		{kind: "OCIRepository", spec: "{interval: 1m, url: oci://registry.example.com/x}", why: "its files are those of OCIRepository flux-system/infra, not of Git"},
		{kind: "Bucket", spec: "{interval: 1m}", why: "its files are those of Bucket flux-system/infra, not of Git"},
		{kind: "ExternalArtifact", spec: "{}", why: "its files are those of ExternalArtifact flux-system/infra, not of Git"},
		{kind: "GitRepository", spec: url + ", provider: azure}", problem: true,
			why: "GitRepository flux-system/infra is fetched with the credentials of azure, which gitonly doesn't use"},
		{kind: "GitRepository", spec: url + ", ref: {name: refs/pull/1/head}}", problem: true,
			why: "GitRepository flux-system/infra: gitonly follows branches and tags, not refs/pull/1/head"},
		{kind: "GitRepository", spec: url + ", recurseSubmodules: true}", problem: true,
			why: "GitRepository flux-system/infra takes in submodules, which gitonly doesn't fetch"},
		{kind: "GitRepository", spec: url + ", sparseCheckout: [app, ./apps/x]}", problem: true,
			why: "apps is more than the folders that its GitRepository has files of"},
		{kind: "GitRepository", spec: url + ", include: [{repository: {name: other}, toPath: a/b}]}", problem: true,
			other: strings.Replace(object("GitRepository", url+"}"), "name: infra", "name: other", 1),
			why:   "GitRepository flux-system/infra includes other: gitonly takes in whole repositories, as a folder of the root each"},
		{kind: "GitRepository", spec: url + ", include: [{repository: {name: other}}]}", problem: true,
			why: "GitRepository flux-system/other does not exist: create it, or correct the reference"},
	} {
		found := findFlux(t, object(test.kind, test.spec), test.other,
			strings.Replace(kustomization("team", "apps", "  path: apps\n"), "kind: GitRepository", "kind: "+test.kind, 1))
		source := found.Sources[0]
		if got := source.Locations[0]; got.Render != gitindex.Unrendered || got.Build.Why != test.why || source.Problem != "" || source.Recorded == nil {
			t.Errorf("%s %s:\n got %s %q\nwant %s", test.kind, test.spec, got.Render, got.Build.Why, test.why)
		}
		want := ""
		if test.problem {
			want = "Kustomization team/apps: " + test.why + "\n"
		}
		if got := problemsOf(found); got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.kind, test.spec, got, want)
		}
	}
}

func TestASourceThatNobodyKnowsSaysSo(t *testing.T) {
	for _, test := range []struct{ documents, want string }{
		{kustomization("team", "apps", ""), "GitRepository flux-system/infra does not exist: create it, or correct the reference"},
		{strings.Replace(kustomization("team", "apps", ""), "kind: GitRepository", "kind: Chart", 1), "it refers to a Chart, which is no source of files"},
		{gitRepository + kustomization("team", "apps", "  postBuild: {substituteFrom: [{kind: Secret, name: vars}]}\n"),
			`spec.postBuild.substituteFrom names Secret vars: Secret "vars" not found`},
		{gitRepository + strings.Replace(kustomization("team", "apps", ""), "interval: 5m", "interval: soon", 1),
			`reading Kustomization team/apps: time: invalid duration "soon"`},
		{gitRepository + deploymentOf("flux-system", "kustomize-controller", "args: [--no-cross-namespace-refs=true]") + kustomization("team", "apps", ""),
			"it refers to a source in namespace flux-system, which --no-cross-namespace-refs of Flux's kustomize-controller forbids"},
	} {
		found := findFlux(t, test.documents)
		if len(found.Sources) != 1 || found.Sources[0].Problem != test.want {
			t.Errorf("got %+v\nwant %s", found.Sources, test.want)
		}
		if got, want := problemsOf(found), "Kustomization team/apps: "+test.want+"\n"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestAnInventoryIsARecord(t *testing.T) {
	source := oneSource(t, gitRepository, kustomization("team", "apps", `
status:
  inventory:
    entries:
    - {id: _shop__Namespace, v: v1}
    - {id: "_system__viewer_rbac.authorization.k8s.io_ClusterRole", v: v1}
    - {id: shop_web.example.com_example.com_Widget, v: v1beta1}
`))
	want := []gitindex.Recorded{
		{Key: gitindex.Key{Kind: "Namespace", Name: "shop"}, APIVersion: "v1"},
		{Key: gitindex.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:viewer"}, APIVersion: "rbac.authorization.k8s.io/v1"},
		{Key: gitindex.Key{Group: "example.com", Kind: "Widget", Namespace: "shop", Name: "web.example.com"}, APIVersion: "example.com/v1beta1"},
	}
	if diff := cmp.Diff(want, source.Recorded); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	if source := oneSource(t, gitRepository, kustomization("team", "apps", "")); source.Recorded == nil || len(source.Recorded) > 0 {
		t.Errorf("without an inventory the record is %#v, want an empty one", source.Recorded)
	}

	found := findFlux(t, gitRepository, kustomization("team", "apps", "status: {inventory: {entries: [{id: odd, v: v1}, {id: a_b_C, v: v1}]}}\n"))
	if got, want := problemsOf(found), "Kustomization team/apps: the entry odd of its inventory is none of namespace_name_group_kind\n"+
		"Kustomization team/apps: the entry a_b_C of its inventory is none of namespace_name_group_kind\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestOnlyWhatIsForThisClusterAndSelectedIsFound(t *testing.T) {
	cluster := newFluxCluster(t, gitRepository,
		kustomization("team", "remote", "  kubeConfig: {secretRef: {name: other}}\n"),
		kustomization("team", "two", ""), kustomization("team", "one", ""),
		strings.Replace(kustomization("team", "selected", ""), "name: selected,", "name: selected, labels: {guard: me},", 1),
	)
	for _, test := range []struct {
		selector labels.Selector
		want     string
	}{
		{nil, "Kustomization team/one, Kustomization team/selected, Kustomization team/two"},
		{labels.Everything(), "Kustomization team/one, Kustomization team/selected, Kustomization team/two"},
		{labels.SelectorFromSet(labels.Set{"guard": "me"}), "Kustomization team/selected"},
	} {
		var names []string
		for _, source := range (discover.Flux{Selector: test.selector}).Find(context.Background(), cluster).Sources {
			names = append(names, source.Name)
		}
		if got := strings.Join(names, ", "); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestVariablesComeFromInlineThenTheLastReference(t *testing.T) {
	const data = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: first, namespace: team}
data: {a: config, b: config, c: config}
---
apiVersion: v1
kind: Secret
metadata: {name: second, namespace: team}
data: {b: secret, c: secret, d: secret}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: third, namespace: team}
data: {d: config}
`
	for _, test := range []struct {
		post string
		want *gitindex.Substitution
	}{
		{"{}", nil},
		{"{substituteStrategy: Always}", &gitindex.Substitution{Values: map[string]string{}}},
		{"{substitute: {c: inline}, substituteFrom: [{kind: ConfigMap, name: first}, {kind: Secret, name: second}, {kind: ConfigMap, name: third}, {kind: Secret, name: absent, optional: true}]}",
			&gitindex.Substitution{Values: map[string]string{"a": "config", "b": "secret", "c": "inline", "d": "config"}, Secret: []string{"b"}}},
		{"{substituteFrom: [{kind: Secret, name: absent, optional: true}]}", nil},
	} {
		if test.want != nil {
			test.want.OptOut, test.want.Disable = "kustomize.toolkit.fluxcd.io/substitute", "disabled"
		}
		source := oneSource(t, gitRepository, data, kustomization("team", "apps", "  postBuild: "+test.post+"\n"))
		if diff := cmp.Diff(test.want, source.Locations[0].Build.Substitute); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.post, diff)
		}
	}
	strict := oneSource(t, gitRepository, kustomization("team", "apps", "  postBuild: {substitute: {a: b}}\n"),
		deploymentOf("flux-system", "kustomize-controller", "args: [--watch-all-namespaces, '--feature-gates=X=true,StrictPostBuildSubstitutions=true']"))
	if !strict.Locations[0].Build.Substitute.Strict {
		t.Error("the controller's feature gate is not seen")
	}
}

func TestFieldsThatFluxIgnoresAreIgnored(t *testing.T) {
	const status = `
status:
  inventory:
    entries:
    - {id: shop_web-1_apps_Deployment, v: v1}
    - {id: shop_web-2_apps_Deployment, v: v1}
    - {id: shop_other_apps_Deployment, v: v1}
    - {id: _web-3_rbac.authorization.k8s.io_ClusterRole, v: v1}
`
	for _, test := range []struct {
		rule    string
		want    []gitindex.FieldIgnore
		problem string
	}{
		{rule: "{paths: [/spec/replicas, /metadata/labels/a]}",
			want: []gitindex.FieldIgnore{{Group: "*", Kind: "*", Pointers: []string{"/spec/replicas", "/metadata/labels/a"}}}},
		{rule: "{paths: [/a], target: {kind: Deployment, name: web-1, namespace: shop}}",
			want: []gitindex.FieldIgnore{{Group: "*", Kind: "Deployment", Name: "web-1", Namespace: "shop", Pointers: []string{"/a"}}}},
		{rule: "{paths: [/a], target: {group: apps, name: 'web-[0-9]'}}", want: []gitindex.FieldIgnore{
			{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web-1", Pointers: []string{"/a"}},
			{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web-2", Pointers: []string{"/a"}},
		}},
		{rule: "{paths: [/a], target: {kind: Deployment|ClusterRole, name: web-3}}", want: []gitindex.FieldIgnore{
			{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "web-3", Pointers: []string{"/a"}},
		}},
		{rule: "{paths: [/a], target: {labelSelector: a=b}}",
			problem: "Kustomization team/apps: it ignores fields of objects that it selects by their labels or annotations, which gitonly doesn't: name the objects\n"},
		{rule: "{paths: [/a], target: {name: '('}}",
			problem: "Kustomization team/apps: the target of a rule to ignore fields is no regular expression: error parsing regexp: missing closing ): `^(?:()$`\n"},
	} {
		found := findFlux(t, gitRepository, kustomization("team", "apps", "  ignore: ["+test.rule+"]"+status))
		if diff := cmp.Diff(test.want, found.Sources[0].Locations[0].Build.Ignores); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.rule, diff)
		}
		if got := problemsOf(found); got != test.problem {
			t.Errorf("%s:\n got %s\nwant %s", test.rule, got, test.problem)
		}
	}
}

func TestAnIncludedRepositoryIsAReference(t *testing.T) {
	const other = `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: other, namespace: flux-system}
spec: {interval: 1m, url: https://git.example.com/other, ref: {tag: v1}, secretRef: {name: key}}
`
	source := oneSource(t, strings.Replace(gitRepository, "interval: 1m,", "interval: 1m, include: [{repository: {name: other}}, {repository: {name: other}, toPath: ./lib/}],", 1), other,
		kustomization("team", "apps", ""))
	repository := gitindex.Repository{
		URL: "https://git.example.com/other", Ref: gitindex.Ref{Tag: "v1"},
		Secret: gitindex.SecretRef{Namespace: "flux-system", Name: "key"},
	}
	want := map[string]gitindex.Repository{"other": repository, "lib": repository}
	if diff := cmp.Diff(want, source.References); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
