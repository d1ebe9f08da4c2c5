package discover_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// argoCDs are the ConfigMaps of the Argo CD, with no Secret.
var argoCDs = gitindex.SecretRef{Namespace: "argocd", Form: gitindex.ArgoCDSecret}

func TestAnApplicationIsASource(t *testing.T) {
	found := find(t, argoCDWith(t, application(`
  source: {repoURL: https://git.example.com/org/infra.git, path: apps/web, targetRevision: main}
status:
  resources:
  - {group: apps, version: v1, kind: Deployment, namespace: web, name: guestbook, status: Synced}
  - {version: v1, kind: Service, namespace: web, name: guestbook}
  - {version: v1, kind: Service, namespace: web, name: gone, requiresPruning: true}
  - {group: batch, version: v1, kind: Job, namespace: web, name: migrate, hook: true}
`)))
	want := discover.Found{
		Sources: []gitindex.Source{{
			Name:       "Application argocd/guestbook",
			Repository: gitindex.Repository{URL: "https://git.example.com/org/infra.git", Ref: gitindex.Ref{Name: "main"}, Secret: argoCDs},
			Interval:   2 * time.Minute,
			Recorded: []gitindex.Recorded{
				{Key: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "guestbook"}, APIVersion: "apps/v1"},
				{Key: gitindex.Key{Kind: "Service", Namespace: "web", Name: "guestbook"}, APIVersion: "v1"},
			},
			Locations: []gitindex.Location{{
				Path: "apps/web", Namespace: "web", Render: gitindex.Auto,
				Build: gitindex.Build{
					Directory: &gitindex.Directory{Flat: true},
					Jsonnet:   &gitindex.JsonnetBuild{},
					Helm:      &gitindex.HelmBuild{ReleaseName: "guestbook", Namespace: "web"},
					Marks: gitindex.Marks{
						TrackingAnnotation: "argocd.argoproj.io/tracking-id", TrackingApplication: "guestbook", SkipDefinitions: true,
					},
					Ignores: []gitindex.FieldIgnore{{Group: "*", Kind: "*", Pointers: []string{"/status"}}},
					Unapplied: []gitindex.Annotated{
						{Annotation: "argocd.argoproj.io/hook", Values: []string{"Skip"}},
						{Annotation: "helm.sh/hook", Values: []string{"test", "test-success", "test-failure", "pre-rollback", "post-rollback"}},
					},
				},
			}},
		}},
		Identities: []discover.Identity{{Namespace: "argocd", Name: "argocd-application-controller", Sources: []string{"Application argocd/guestbook"}}},
	}
	found.Sources[0].Locations[0].Build.Override = nil
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("found differs (-want +got):\n%s", diff)
	}
}

func TestWhatArgoCDSaysOfASourceIsInItsBuild(t *testing.T) {
	zero := gitindex.Location{Path: "p", Namespace: "web"}
	for _, test := range []struct {
		name   string
		source string // the block, or a whole source
		want   func(*gitindex.Location)
	}{
		{
			name:   "a folder with the folders below it",
			source: `directory: {recurse: true, include: '*.yaml', exclude: '{a,b}.yaml'}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Plain
				l.Build.Directory = &gitindex.Directory{Include: "*.yaml", Exclude: "{a,b}.yaml"}
			},
		},
		{
			name: "Jsonnet with variables and libraries",
			source: `directory: {jsonnet: {libs: [vendor, ./lib/], ` +
				`tlas: [{name: a, value: $ARGOCD_APP_NAME}, {name: b, value: '{c: 1}', code: true}], extVars: [{name: e, value: '${ARGOCD_APP_NAMESPACE}-$$'}]}}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Plain
				l.Build.Jsonnet = &gitindex.JsonnetBuild{
					ExtVars:   []gitindex.JsonnetVariable{{Name: "e", Value: "web-$"}},
					TLAs:      []gitindex.JsonnetVariable{{Name: "a", Value: "guestbook"}, {Name: "b", Value: "{c: 1}", Code: true}},
					Libraries: []string{"vendor", "lib"},
				}
			},
		},
		{
			name: "Kustomize with all that it takes",
			source: `kustomize: {namePrefix: a-, nameSuffix: -z, namespace: other, version: v4.5.7, kubeVersion: '1.30', images: ['web=r/web:$ARGOCD_APP_NAME'], ` +
				`commonLabels: {app: $ARGOCD_APP_NAME}, commonAnnotations: {why: $ARGOCD_APP_NAME}, components: [../c], ignoreMissingComponents: true, ` +
				`replicas: [{name: web, count: 3}, {name: db, count: '2'}], ` +
				`patches: [{path: p.yaml}, {patch: '[]', target: {group: apps, version: v1, kind: Deployment, name: web, namespace: ns, labelSelector: a=b, annotationSelector: c=d}, options: {allowNameChange: true}}]}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Kustomize
				l.Build.Kustomize = &gitindex.KustomizeBuild{
					NamePrefix: "a-", NameSuffix: "-z", Namespace: "other",
					Labels:      []gitindex.Labels{{Pairs: map[string]string{"app": "guestbook"}, Selectors: true, Templates: true}},
					Annotations: map[string]string{"why": "$ARGOCD_APP_NAME"},
					Images:      []string{"web=r/web:guestbook"},
					Replicas:    []gitindex.Replicas{{Name: "web", Count: 3}, {Name: "db", Count: 2}},
					Components:  []string{"../c"}, SkipMissingComponents: true,
					Patches: []gitindex.Patch{
						{Path: "p.yaml"},
						{Patch: "[]", Options: map[string]bool{"allowNameChange": true}, Target: &gitindex.PatchTarget{
							Group: "apps", Version: "v1", Kind: "Deployment", Name: "web", Namespace: "ns", LabelSelector: "a=b", AnnotationSelector: "c=d",
						}},
					},
				}
			},
		},
		{
			name:   "Kustomize's labels that leave selectors alone",
			source: `kustomize: {commonLabels: {a: b}, labelWithoutSelector: true, labelIncludeTemplates: true, commonAnnotations: {ns: $ARGOCD_APP_NAMESPACE}, commonAnnotationsEnvsubst: true}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Kustomize
				l.Build.Kustomize = &gitindex.KustomizeBuild{
					Labels:      []gitindex.Labels{{Pairs: map[string]string{"a": "b"}, Templates: true}},
					Annotations: map[string]string{"ns": "web"},
				}
			},
		},
		{
			name: "Helm with all that it takes",
			source: `helm: {releaseName: r, namespace: other, skipCrds: true, skipTests: true, skipSchemaValidation: true, ignoreMissingValueFiles: true, kubeVersion: '1.30', apiVersions: [v1/Pod], ` +
				`values: 'a: 1', valueFiles: [values-$ARGOCD_APP_NAME.yaml, /root.yaml, ../up.yaml], fileParameters: [{name: f, path: cert.pem}], ` +
				`parameters: [{name: a, value: first}, {name: s, value: '1', forceString: true}, {name: a, value: 'x,y\,z'}, {name: l, value: '{1,2}'}]}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Helm
				l.Build.Helm = &gitindex.HelmBuild{
					ReleaseName: "r", Namespace: "other", SkipCRDs: true, SkipTests: true, SkipSchema: true, SkipMissingValueFiles: true,
					KubeVersion: "1.30", APIVersions: []string{"v1/Pod"}, Values: "a: 1",
					ValueFiles: []string{"values-guestbook.yaml", "/root.yaml", "../up.yaml"},
					SetFile:    []gitindex.SetValue{{Name: "f", Value: "cert.pem"}},
					Set: []gitindex.SetValue{
						{Name: "a", Value: `x,y\,z`}, {Name: "l", Value: "{1,2}"}, {Name: "s", Value: "1", Text: true},
					},
				}
			},
		},
		{
			name:   "values as an object, which go before values as text",
			source: `helm: {values: 'a: 1', valuesObject: {b: {c: [1, x]}}}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Helm
				l.Build.Helm = &gitindex.HelmBuild{ReleaseName: "guestbook", Namespace: "web", Values: "b:\n  c:\n  - 1\n  - x\n"}
			},
		},
		{
			name:   "a block that says nothing is none",
			source: `helm: {}`,
			want:   func(l *gitindex.Location) { l.Render = gitindex.Auto },
		},
		{
			name:   "a plugin",
			source: `plugin: {name: cdk8s}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Unrendered
				l.Build = gitindex.Build{Why: "config management plugin cdk8s"}
			},
		},
		{
			name:   "the revision as a value",
			source: `helm: {parameters: [{name: tag, value: $ARGOCD_APP_REVISION_SHORT}]}`,
			want: func(l *gitindex.Location) {
				l.Render = gitindex.Unrendered
				l.Build = gitindex.Build{Why: "$ARGOCD_APP_REVISION_SHORT is part of what is rendered"}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, application(`
  source:
    repoURL: https://git.example.com/org/infra
    path: p
    `+test.source)))
			if len(found.Sources) != 1 || len(found.Problems) > 0 {
				t.Fatalf("found %d sources; problems: %s", len(found.Sources), problems(found))
			}
			got, want := found.Sources[0].Locations[0], zero
			// What every source has.
			want.Build.Directory, want.Build.Jsonnet = &gitindex.Directory{Flat: true}, &gitindex.JsonnetBuild{}
			want.Build.Helm = &gitindex.HelmBuild{ReleaseName: "guestbook", Namespace: "web"}
			test.want(&want)
			got.Build.Marks, got.Build.Ignores, got.Build.Unapplied, got.Build.Override = gitindex.Marks{}, nil, nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("location differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPluginThatNobodyNamesIsToldByTheStatus(t *testing.T) {
	const one = "  source: {repoURL: u, path: p}\n"
	const two = "  sources: [{repoURL: u, path: p}, {repoURL: u, path: q}, {repoURL: u, ref: r}]\n"
	const why = "a config management plugin, which Argo CD chose by itself"
	for _, test := range []struct {
		name, spec, status string
		want               []string
	}{
		{"no status yet", one, `{}`, []string{"Auto "}},
		{"another type", one, `{sourceType: Kustomize}`, []string{"Auto "}},
		{"a plugin", one, `{sourceType: Plugin}`, []string{"Unrendered " + why}},
		{"a plugin before the source said what it is", "  source: {repoURL: u, path: p, directory: {recurse: true}}\n", `{sourceType: Plugin}`, []string{"Plain "}},
		{"one of several", two, `{sourceTypes: [Directory, Plugin, ""]}`, []string{"Auto ", "Unrendered " + why}},
		{"a status of fewer", two, `{sourceTypes: [Plugin]}`, []string{"Auto ", "Auto "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, application(test.spec)+"status: "+test.status+"\n"))
			var got []string
			for _, source := range found.Sources {
				l := source.Locations[0]
				got = append(got, string(l.Render)+" "+l.Build.Why)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("locations differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATargetRevisionIsARef(t *testing.T) {
	const hash = "4f2c1ab04f2c1ab04f2c1ab04f2c1ab04f2c1ab0"
	for _, test := range []struct {
		name, source string
		want         gitindex.Repository
	}{
		{"nothing", `repoURL: u, path: p`, gitindex.Repository{URL: "u"}},
		{"HEAD", `repoURL: u, path: p, targetRevision: HEAD`, gitindex.Repository{URL: "u"}},
		{"a commit", `repoURL: u, path: p, targetRevision: ` + strings.ToUpper(hash), gitindex.Repository{URL: "u", Ref: gitindex.Ref{Commit: hash}}},
		{"a branch, a tag, a range or a short hash", `repoURL: u, path: p, targetRevision: 1.2.*`, gitindex.Repository{URL: "u", Ref: gitindex.Ref{Name: "1.2.*"}}},
		{"a range of tags with a prefix", `repoURL: u, path: p, targetRevision: ^1, tagPrefix: web/`, gitindex.Repository{URL: "u", Ref: gitindex.Ref{Name: "^1", TagPrefix: "web/"}}},
		{"a chart", `repoURL: https://charts.example.com, chart: redis, targetRevision: 1.2.*`,
			gitindex.Repository{URL: "https://charts.example.com", Chart: "redis", Ref: gitindex.Ref{SemVer: "1.2.*"}}},
		{"a chart in a registry", `repoURL: registry.example.com/charts, chart: redis, targetRevision: 1.2.3`,
			gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "redis", Ref: gitindex.Ref{SemVer: "1.2.3"}}},
		{"an artifact in a registry", `repoURL: oci://registry.example.com/charts/redis, path: ., targetRevision: 1.2.3`,
			gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "redis", Ref: gitindex.Ref{SemVer: "1.2.3"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, application(`  source: {`+test.source+`}`)))
			test.want.Secret = argoCDs
			if diff := cmp.Diff(test.want, found.Sources[0].Repository); diff != "" {
				t.Errorf("repository differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnApplicationOfSeveralSources(t *testing.T) {
	found := find(t, argoCDWith(t, application(`
  syncPolicy:
    syncOptions: [CreateNamespace=true]
    managedNamespaceMetadata: {labels: {team: web}, annotations: {owner: us}}
  sources:
  - {repoURL: https://charts.example.com, chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [$values/redis/prod.yaml, other.yaml]}}
  - {repoURL: https://git.example.com/org/values, targetRevision: main, ref: values}
  - {repoURL: https://git.example.com/org/infra, path: web, name: web}
`)))
	var got []string
	for _, source := range found.Sources {
		l := source.Locations[0]
		got = append(got, source.Name+" "+l.Path+" "+string(l.Render)+" "+strings.Join(l.Build.Added, ""))
	}
	want := []string{
		`Application argocd/guestbook[0] . Helm {"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"argocd.argoproj.io/sync-options":"ServerSideApply=true","owner":"us"},"labels":{"team":"web"},"name":"web"}}`,
		`Application argocd/guestbook[web] web Auto `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"$values/redis/prod.yaml", "other.yaml"}, found.Sources[0].Locations[0].Build.Helm.ValueFiles); diff != "" {
		t.Errorf("values files differ (-want +got):\n%s", diff)
	}
	references := map[string]gitindex.Repository{"$values": {URL: "https://git.example.com/org/values", Ref: gitindex.Ref{Name: "main"}, Secret: argoCDs}}
	if diff := cmp.Diff(references, found.Sources[0].References); diff != "" || found.Sources[1].References != nil {
		t.Errorf("references differ (-want +got):\n%s\nand %v", diff, found.Sources[1].References)
	}
	if got := found.Sources[1].Recorded; got == nil || len(got) > 0 {
		t.Errorf("recorded is %#v, want nothing, and not nil", got)
	}
	if diff := cmp.Diff([]string{found.Sources[0].Name, found.Sources[1].Name}, found.Identities[0].Sources); diff != "" {
		t.Errorf("the controller's sources differ (-want +got):\n%s", diff)
	}
}

func TestAHydratedApplicationIsItsBranch(t *testing.T) {
	found := find(t, argoCDWith(t, application(`
  sourceHydrator:
    drySource: {repoURL: https://git.example.com/org/infra, path: charts/web, targetRevision: main, helm: {releaseName: r}}
    syncSource: {targetBranch: env/prod, path: web}
`)))
	source := found.Sources[0]
	want := gitindex.Repository{URL: "https://git.example.com/org/infra", Ref: gitindex.Ref{Name: "env/prod"}, Secret: argoCDs}
	if source.Repository != want || source.Locations[0].Path != "web" || source.Locations[0].Render != gitindex.Auto {
		t.Errorf("source is %+v", source)
	}
}

func TestOnlyWhatGoesToThisClusterIsFound(t *testing.T) {
	documents := func(destination string) string {
		return strings.Replace(application(`  source: {repoURL: u, path: p}`),
			"{server: https://kubernetes.default.svc, namespace: web}", destination, 1)
	}
	for _, test := range []struct {
		destination string
		known       []string
		want        int
	}{
		{"{server: https://kubernetes.default.svc/}", nil, 1},
		{"{name: in-cluster}", nil, 1},
		{"{name: prod}", nil, 0},
		{"{server: https://10.0.0.1}", nil, 0},
		{"{}", nil, 0},
		{"{name: prod}", []string{"https://10.0.0.1", "prod"}, 1},
		{"{server: https://10.0.0.1}", []string{"https://10.0.0.1", "prod"}, 1},
		{"{name: in-cluster}", []string{"https://10.0.0.1", "prod"}, 0},
	} {
		t.Run(test.destination, func(t *testing.T) {
			found := discover.ArgoCD{Namespace: "argocd", Destinations: test.known}.Find(t.Context(), argoCDWith(t, documents(test.destination)))
			if len(found.Sources) != test.want {
				t.Errorf("found %d sources, want %d: %s", len(found.Sources), test.want, problems(found))
			}
		})
	}
}

func TestApplicationsAreSelectedByTheirLabels(t *testing.T) {
	one := strings.Replace(application(`  source: {repoURL: u, path: p}`), "{name: guestbook,", "{name: guestbook, labels: {tier: prod},", 1)
	two := strings.Replace(application(`  source: {repoURL: u, path: p}`), "{name: guestbook,", "{name: other,", 1)
	selector, err := labels.Parse("tier=prod")
	if err != nil {
		t.Fatal(err)
	}
	found := discover.ArgoCD{Namespace: "argocd", Selector: selector}.Find(t.Context(), argoCDWith(t, one+"\n---\n"+two))
	if len(found.Sources) != 1 || found.Sources[0].Name != "Application argocd/guestbook" {
		t.Errorf("found %+v", found.Sources)
	}
}

func TestAnUnreadableConfigMapFindsNothingOut(t *testing.T) {
	cluster := argoCDWith(t, application(`  source: {repoURL: u, path: p}`))
	cluster.broken = errors.New("timeout")
	found := discover.ArgoCD{Namespace: "argocd"}.Find(t.Context(), cluster)
	if found.Err == nil || found.Err.Error() != "reading ConfigMap argocd/argocd-cm of Argo CD: timeout" || len(found.Sources) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestASourceDoesNotChangeWithTheApplicationsStatus(t *testing.T) {
	before := find(t, argoCDWith(t, application("  source: {repoURL: u, path: p}\n")))
	after := find(t, argoCDWith(t, application("  source: {repoURL: u, path: p}\nstatus: {resources: [{kind: Service, version: v1, name: s}]}\n")))
	if !reflect.DeepEqual(before.Sources[0].Locations, after.Sources[0].Locations) {
		t.Errorf("locations differ")
	}
	changed := find(t, argoCDWith(t, application("  source: {repoURL: u, path: p, helm: {values: 'a: 1'}}\n")))
	if reflect.DeepEqual(before.Sources[0].Locations, changed.Sources[0].Locations) {
		t.Errorf("locations are the same")
	}
}

func TestABrokenApplicationIsKnownByItsRecord(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"two ways to render", `{repoURL: u, path: p, helm: {version: v3}, kustomize: {namePrefix: a}}`,
			"it sets helm and kustomize: Argo CD renders a source by one of them"},
		{"a path that leads out", `{repoURL: u, path: ../p}`, "its path ../p is outside of the repository"},
		{"no path", `{repoURL: u}`, "it has neither a path nor a chart"},
		{"replicas that aren't a number", `{repoURL: u, path: p, kustomize: {replicas: [{name: web, count: many}]}}`, "its replicas of web aren't a number"},
		{"values from the web", `{repoURL: u, path: p, helm: {valueFiles: ["https://user:pw@example.com/v.yaml?token=t"]}}`,
			"its values are fetched from the web, and not from a repository: https://example.com/v.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, application("  source: "+test.source+"\nstatus: {resources: [{kind: Service, version: v1, name: s}]}\n")))
			if got, want := problems(found), "Application argocd/guestbook: "+test.want; got != want {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
			if len(found.Sources) != 1 || found.Sources[0].Locations[0].Render != gitindex.Unrendered ||
				found.Sources[0].Locations[0].Build.Why != test.want || len(found.Sources[0].Recorded) != 1 {
				t.Errorf("found %+v", found.Sources)
			}
		})
	}
}
