package discover_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// helmRelease is one with a spec.
func helmRelease(namespace, name, spec string) string {
	return fmt.Sprintf("---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %s, namespace: %s}\nspec:\n  interval: 5m\n%s", name, namespace, spec)
}

const (
	gitChart  = "  chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: infra, namespace: flux-system}}}\n"
	repoChart = "  chart: {spec: {chart: podinfo, version: 6.x, sourceRef: {kind: HelmRepository, name: charts}}}\n"

	helmRepository = `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: team}
spec: {url: https://charts.example.com, interval: 10m, secretRef: {name: login}}
`
)

func TestAHelmReleaseOfAChartInGitIsASource(t *testing.T) {
	got := oneSource(t, strings.Replace(gitRepository, "interval: 1m,", "interval: 1m, ignore: docs,", 1), helmRelease("team", "web", gitChart+`
  targetNamespace: shop
  storageNamespace: releases
  values: {replicas: 3, image: {tag: "1"}}
  install: {crds: Skip, disableSchemaValidation: true}
  upgrade: {disableSchemaValidation: true}
  commonMetadata: {labels: {team: shop, app.kubernetes.io/managed-by: me}, annotations: {by: flux}}
  postRenderers:
  - kustomize: {patches: [{patch: p1}]}
  - kustomize: {patches: [{patch: p2, target: {kind: Deployment}}], images: [{name: nginx, newTag: "2"}]}
  driftDetection:
    mode: enabled
    ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]
status:
  inventory: {entries: [{id: shop_web_apps_Deployment, v: v1}]}
`))
	want := gitindex.Source{
		Name:       "HelmRelease team/web",
		Repository: gitindex.Repository{URL: "https://git.example.com/infra.git", Ref: gitindex.Ref{Branch: "main"}},
		Interval:   time.Minute,
		Recorded:   []gitindex.Recorded{{Key: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, APIVersion: "apps/v1"}},
		Locations: []gitindex.Location{{
			Path: "charts/web", Namespace: "shop", Render: gitindex.Helm,
			Build: gitindex.Build{
				Flux: true, Excluded: "docs",
				Helm: &gitindex.HelmBuild{
					ReleaseName: "shop-web", Namespace: "shop", Values: "image:\n  tag: \"1\"\nreplicas: 3\n",
					SkipCRDs: true, SkipHooks: true, SkipTests: true, SkipSchema: true,
				},
				Kustomize: &gitindex.KustomizeBuild{
					Patches: []gitindex.Patch{{Patch: "p1"}, {Patch: "p2", Target: &gitindex.PatchTarget{Kind: "Deployment"}}},
					Images:  []string{"nginx:2"},
				},
				Ignores: []gitindex.FieldIgnore{{Group: "*", Kind: "Deployment", Pointers: []string{"/spec/replicas"}}},
				Marks: gitindex.Marks{
					Labels: map[string]string{
						"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "team",
						"app.kubernetes.io/managed-by": "Helm", "team": "shop",
					},
					Annotations: map[string]string{
						"meta.helm.sh/release-name": "shop-web", "meta.helm.sh/release-namespace": "shop", "by": "flux",
					},
				},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAChartMayBeInARepositoryOfCharts(t *testing.T) {
	const oci = `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: podinfo, namespace: team}
spec: {url: oci://registry.example.com/charts/podinfo, interval: 3m, secretRef: {name: pull}, ref: {REF}}
`
	chartRef := "  chartRef: {kind: OCIRepository, name: podinfo}\n"
	login := gitindex.SecretRef{Namespace: "team", Name: "login"}
	pull := gitindex.SecretRef{Namespace: "team", Name: "pull"}
	for _, test := range []struct {
		name, documents, spec string
		want                  gitindex.Repository
		files                 []string
	}{
		{name: "HTTPS", documents: helmRepository, spec: repoChart,
			want: gitindex.Repository{URL: "https://charts.example.com", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "6.x"}, Secret: login}},
		{name: "any version", documents: helmRepository, spec: strings.Replace(repoChart, " version: 6.x,", "", 1),
			want: gitindex.Repository{URL: "https://charts.example.com", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "*"}, Secret: login}},
		{name: "values files", documents: helmRepository, spec: strings.Replace(repoChart, "version", "valuesFiles: [values.yaml, ./prod.yaml], version", 1),
			want:  gitindex.Repository{URL: "https://charts.example.com", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "6.x"}, Secret: login},
			files: []string{"prod.yaml"}},
		{name: "a registry", documents: strings.Replace(helmRepository, "https://charts.example.com", "oci://registry.example.com/charts, type: oci", 1), spec: repoChart,
			want: gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "6.x"}, Secret: login}},
		{name: "an artifact by its tag", documents: strings.Replace(oci, "REF", "tag: 6.5.0", 1), spec: chartRef,
			want: gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "6.5.0"}, Secret: pull}},
		{name: "an artifact by a range", documents: strings.Replace(oci, "REF", "tag: latest, semver: 6.x", 1), spec: chartRef,
			want: gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "6.x"}, Secret: pull}},
		{name: "a HelmChart", documents: helmRepository + `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {name: shared, namespace: team}
spec: {interval: 1m, chart: podinfo, version: "5", sourceRef: {kind: HelmRepository, name: charts}}
`, spec: "  chartRef: {kind: HelmChart, name: shared}\n",
			want: gitindex.Repository{URL: "https://charts.example.com", Chart: "podinfo", Ref: gitindex.Ref{SemVer: "5"}, Secret: login}},
	} {
		source := oneSource(t, test.documents, helmRelease("team", "web", test.spec))
		if diff := cmp.Diff(test.want, source.Repository); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		at := source.Locations[0]
		if at.Path != "." || at.Namespace != "team" || at.Render != gitindex.Helm || at.Build.Flux || at.Build.Helm.ReleaseName != "web" {
			t.Errorf("%s: the location is %+v", test.name, at)
		}
		if diff := cmp.Diff(test.files, at.Build.Helm.ValueFiles); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if source.Recorded != nil {
			t.Errorf("%s: without an inventory the record is %v", test.name, source.Recorded)
		}
	}
}

func TestValueFilesInGitAreRelativeToItsRoot(t *testing.T) {
	spec := strings.Replace(gitChart, "chart: ./charts/web,", "chart: ./charts/web, valuesFiles: [./charts/web/values.yaml, env/prod.yaml], ignoreMissingValuesFiles: true,", 1)
	helm := oneSource(t, gitRepository, helmRelease("team", "web", spec)).Locations[0].Build.Helm
	if diff := cmp.Diff([]string{"/env/prod.yaml"}, helm.ValueFiles); diff != "" || !helm.SkipMissingValueFiles {
		t.Errorf("skip %t (-want +got):\n%s", helm.SkipMissingValueFiles, diff)
	}
}

func TestAReleaseThatOnlyFluxCanRenderSaysWhy(t *testing.T) {
	for _, test := range []struct{ documents, spec, want string }{
		{helmRepository, strings.Replace(repoChart, "version", "valuesFiles: [prod.yaml], version", 1),
			"its chart is made with spec.valuesFiles that leave the chart's own values.yaml out, which gitonly doesn't"},
		{strings.Replace(helmRepository, "interval: 10m,", "interval: 10m, provider: aws, type: oci,", 1), repoChart,
			"HelmRepository team/charts is read with the credentials of aws, which gitonly doesn't use"},
		{"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: x, namespace: team}\nspec: {url: oci://example.com/x, interval: 1m, ref: {digest: sha256:0}}\n",
			"  chartRef: {kind: OCIRepository, name: x}\n", "OCIRepository team/x names no version of the chart, nor a range of them, which is all that gitonly follows"},
		{helmRepository, repoChart + "  postRenderers: [{kustomize: {images: [{name: a, newTag: b}]}}, {kustomize: {patches: [{patch: p}]}}]\n",
			"its post-renderers patch what an earlier one set the images of, which gitonly doesn't"},
	} {
		found := findFlux(t, test.documents, helmRelease("team", "web", test.spec))
		at := found.Sources[0].Locations[0]
		if at.Render != gitindex.Unrendered || at.Build.Why != test.want {
			t.Errorf("got %s %q\nwant %s", at.Render, at.Build.Why, test.want)
		}
		if got, want := problemsOf(found), "HelmRelease team/web: "+test.want+"\n"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	bucket := oneSource(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: Bucket\nmetadata: {name: x, namespace: team}\nspec: {interval: 1m}\n",
		helmRelease("team", "web", "  chart: {spec: {chart: a, sourceRef: {kind: Bucket, name: x}}}\n"))
	if at := bucket.Locations[0]; at.Build.Why != "its files are those of Bucket team/x, not of Git" {
		t.Errorf("got %q", at.Build.Why)
	}
}

func TestAReleaseThatNobodyKnowsSaysSo(t *testing.T) {
	for _, test := range []struct{ documents, spec, want string }{
		{"", repoChart, "HelmRepository team/charts does not exist: create it, or correct the reference"},
		{"", "", "it has neither spec.chart nor spec.chartRef: give it one of them"},
		{helmRepository, repoChart + "  valuesFrom: [{kind: ConfigMap, name: absent}]\n", `spec.valuesFrom names ConfigMap absent: ConfigMap "absent" not found`},
		{helmRepository + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\ndata: {values.yaml: 'hush: hush: hush'}\n",
			repoChart + "  valuesFrom: [{kind: Secret, name: s}]\n",
			"spec.valuesFrom names Secret s, key values.yaml: it holds no values: it has to be a map in YAML, or fit spec.valuesFrom.targetPath"},
		{helmRepository + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\ndata: {other: x}\n",
			repoChart + "  valuesFrom: [{kind: Secret, name: s, optional: true}]\n",
			"spec.valuesFrom names Secret s: it has no key values.yaml: add it, or correct the reference"},
		{helmRepository + deploymentOf("flux-system", "helm-controller", "args: [--no-cross-namespace-refs]"), gitChart,
			"it refers to a source in namespace flux-system, which --no-cross-namespace-refs of Flux's helm-controller forbids"},
	} {
		found := findFlux(t, test.documents, gitRepository, helmRelease("team", "web", test.spec))
		if len(found.Sources) != 1 || found.Sources[0].Problem != test.want {
			t.Errorf("got %+v\nwant %s", found.Sources, test.want)
		}
		if got, want := problemsOf(found), "HelmRelease team/web: "+test.want+"\n"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestValuesAreMergedInOrderAndSecretsAreConcealed(t *testing.T) {
	const data = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: first, namespace: team}
data:
  values.yaml: "a: {b: 1, c: 1}\nlist: [1, 2]\nkept: true"
  port: "8080"
---
apiVersion: v1
kind: Secret
metadata: {name: second, namespace: team}
data:
  values.yaml: "a: {c: hush, d: 5}\nlist: [hush]\nflag: true"
  password: "a,b=c"
  quoted: '"12"'
`
	for _, test := range []struct{ from, own, values, concealed string }{
		{from: "{kind: ConfigMap, name: first}", own: "{a: {b: 2}, e: null}",
			values: "a:\n  b: 2\n  c: 1\ne: null\nkept: true\nlist:\n- 1\n- 2\n"},
		{from: "{kind: ConfigMap, name: first}, {kind: Secret, name: second}", own: "{}",
			values:    "a:\n  b: 1\n  c: hush\n  d: 5\nflag: true\nkept: true\nlist:\n- hush\n",
			concealed: "a:\n  b: 1\n  c: withheld-zq7\n  d: 6\nflag: true\nkept: true\nlist:\n- withheld-zq7\n"},
		{from: "{kind: Secret, name: second}, {kind: ConfigMap, name: first}", own: "{a: {d: 9}}",
			values: "a:\n  b: 1\n  c: 1\n  d: 9\nflag: true\nkept: true\nlist:\n- 1\n- 2\n"},
		{from: "{kind: ConfigMap, name: first, valuesKey: port, targetPath: 'web.ports[0].port'}", own: "{}",
			values: "web:\n  ports:\n  - port: 8080\n"},
		{from: "{kind: Secret, name: second, valuesKey: password, targetPath: auth.password, literal: true}", own: "{}",
			values: "auth:\n  password: a,b=c\n", concealed: "auth:\n  password: withheld-zq7\n"},
		{from: "{kind: Secret, name: second, valuesKey: quoted, targetPath: auth.id}", own: "{}",
			values: "auth:\n  id: \"12\"\n", concealed: "auth:\n  id: withheld-zq7\n"},
		{from: "{kind: Secret, name: absent, optional: true}", own: "{}"},
	} {
		helm := oneSource(t, helmRepository, data, helmRelease("team", "web", repoChart+"  values: "+test.own+"\n  valuesFrom: ["+test.from+"]\n")).Locations[0].Build.Helm
		if diff := cmp.Diff(test.values, helm.Values); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.from, diff)
		}
		if diff := cmp.Diff(test.concealed, helm.Concealed); diff != "" {
			t.Errorf("%s, concealed (-want +got):\n%s", test.from, diff)
		}
	}
}

func TestAReleaseIsNamedAsFluxDoes(t *testing.T) {
	long := strings.Repeat("a", 40)
	for _, test := range []struct{ name, spec, want string }{
		{"web", "", "web"},
		{"web", "  targetNamespace: shop\n", "shop-web"},
		{"web", "  targetNamespace: shop\n  releaseName: other\n", "other"},
		{long, "  targetNamespace: " + long + "\n", strings.Repeat("a", 40) + "-ce3748787bd5"},
	} {
		source := oneSource(t, helmRepository, helmRelease("team", test.name, repoChart+test.spec))
		if got := source.Locations[0].Build.Helm.ReleaseName; got != test.want {
			t.Errorf("%s %s is %s, want %s", test.name, test.spec, got, test.want)
		}
	}
}

func TestAReleaseIsAppliedByTheHelmController(t *testing.T) {
	found := findFlux(t, gitRepository, helmRepository, kustomization("team", "apps", ""),
		helmRelease("team", "web", repoChart), helmRelease("team", "other", repoChart+"  serviceAccountName: deployer\n"),
		helmRelease("team", "remote", repoChart+"  kubeConfig: {secretRef: {name: x}}\n"))
	want := "flux-system/helm-controller [HelmRelease team/web]\nflux-system/kustomize-controller [Kustomization team/apps]\nteam/deployer [HelmRelease team/other] impersonated\n"
	if got := identitiesOf(found); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
