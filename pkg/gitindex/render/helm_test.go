package render_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// chartYAML begins a chart in the folder app.
const chartYAML = "-- app/Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: \"9\"\n"

// showing is a template that shows a value.
const showing = "-- app/templates/cm.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown}\ndata:\n  v: "

func helmAt(build gitindex.HelmBuild) gitindex.Location {
	return gitindex.Location{Path: "app", Render: gitindex.Helm, Build: gitindex.Build{Helm: &build}}
}

// shown are the data of the object that showing makes.
func shown(t *testing.T, files fstest.MapFS, at gitindex.Location) string {
	t.Helper()
	declared, err := renderTree(files, at)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := decode(t, find(t, declared, "ConfigMap */shown").Manifest.JSON())["data"].(map[string]any)
	v, _ := data["v"].(string)
	return v
}

func TestChartsDeclareWhatHelmTemplatePrints(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
	for name, test := range map[string]struct {
		files string
		at    gitindex.Location
		want  []string
	}{
		"templates with values, helpers and files, without notes, in order of name": {
			files: chartYAML + "-- app/values.yaml --\nsize: 3\n" +
				"-- app/templates/_names.tpl --\n{{ define \"name\" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}\n" +
				"-- app/templates/b.yaml --\n" + config + "{{ include \"name\" . }}}\ndata: {size: {{ .Values.size | quote }}, text: {{ .Files.Get \"a.txt\" | trim }}}\n" +
				"-- app/templates/a/c.yaml --\n" + config + "two}\n---apiVersion: v1\nkind: Namespace\nmetadata: {name: three}\n--- # nothing\n" +
				"-- app/a.txt --\nhello\n-- app/templates/NOTES.txt --\nread me\n-- app/templates/empty.yaml --\n{{ if false }}x{{ end }}\n",
			at: gitindex.Location{Path: "app", Namespace: "shop"},
			want: []string{
				`ConfigMap shop/two app/templates/a/c.yaml:0 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two","namespace":"shop"}}`,
				`Namespace three app/templates/a/c.yaml:0 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"three"}}`,
				`ConfigMap shop/app-web app/templates/b.yaml:0 {"apiVersion":"v1","data":{"size":"3","text":"hello"},"kind":"ConfigMap","metadata":{"name":"app-web","namespace":"shop"}}`,
			},
		},
		"the release and the cluster as the build has them": {
			files: chartYAML + "-- app/templates/a.yaml --\n" + config + "{{ .Release.Name }}}\ndata:\n  r: {{ .Release.Namespace }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Revision }} {{ .Release.Service }}\n" +
				"  k: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has \"example.com/v1/Thing\" }} {{ .Capabilities.APIVersions.Has \"apps/v1\" }}\n",
			at: helmAt(gitindex.HelmBuild{ReleaseName: "shop", Namespace: "far", KubeVersion: "1.29.6", APIVersions: []string{"example.com/v1/Thing"}}),
			want: []string{
				`ConfigMap default/shop app/templates/a.yaml:0 {"apiVersion":"v1","data":{"k":"v1.29.6 true true","r":"far true false 1 Helm"},"kind":"ConfigMap","metadata":{"name":"shop","namespace":"default"}}`,
			},
		},
		"the chart's own name in the repository's root": {
			files: "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\n-- templates/a.yaml --\n" + config + "{{ .Release.Name }}}\n",
			at:    gitindex.Location{Path: "."},
			want:  []string{`ConfigMap default/web templates/a.yaml:0 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web","namespace":"default"}}`},
		},
		"definitions as they are, with their lines": {
			files: chartYAML + "-- app/crds/d.yaml --\n# {{ no template }}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n-- app/crds/note.md --\nnothing\n",
			at:    gitindex.Location{Path: "app"},
			want: []string{
				`Namespace one app/crds/d.yaml:3 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`Namespace two app/crds/d.yaml:7 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"no definitions, if the build says so": {
			files: chartYAML + "-- app/crds/d.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n",
			at:    helmAt(gitindex.HelmBuild{SkipCRDs: true}),
		},
		"the last of a key that stands twice": {
			files: chartYAML + "-- app/templates/a.yaml --\n" + config + "a}\ndata:\n  x: old\n  x: new\n",
			at:    gitindex.Location{Path: "app"},
			want:  []string{`ConfigMap default/a app/templates/a.yaml:0 {"apiVersion":"v1","data":{"x":"new"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}`},
		},
		"no file that .helmignore names": {
			files: chartYAML + "-- app/.helmignore --\n# tests\n*_test.yaml\n/templates/off/\n-- app/templates/a_test.yaml --\n{{ nonsense }}\n-- app/templates/off/b.yaml --\n{{ nonsense }}\n-- app/templates/.c.yaml --\n{{ nonsense }}\n-- app/templates/d.yaml --\n" + config + "d}\n",
			at:    gitindex.Location{Path: "app"},
			want:  []string{`ConfigMap default/d app/templates/d.yaml:0 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d","namespace":"default"}}`},
		},
		"nothing that lookup or the network would find": {
			files: chartYAML + "-- app/templates/a.yaml --\n" + config + "a}\ndata: {l: '{{ lookup \"v1\" \"Namespace\" \"\" \"default\" }}', h: '{{ getHostByName \"localhost\" }}'}\n",
			at:    gitindex.Location{Path: "app"},
			want:  []string{`ConfigMap default/a app/templates/a.yaml:0 {"apiVersion":"v1","data":{"h":"","l":"map[]"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}`},
		},
		"a kustomization, where there is one too": {
			files: chartYAML + "-- app/kustomization.yaml --\nnamePrefix: k-\nresources: [n.yaml]\n-- app/n.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n",
			at:    gitindex.Location{Path: "app"},
			want:  []string{`ConfigMap default/k-n app/n.yaml:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"k-n","namespace":"default"}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := renderTree(tree(test.files), test.at)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, summaries(declared)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHooksAreDeclaredUnlessTheBuildLeavesThemOut(t *testing.T) {
	var files strings.Builder
	files.WriteString(chartYAML)
	for name, annotation := range map[string]string{
		"plain": "a: b", "install": "helm.sh/hook: 'pre-install, Post-Upgrade'", "test": "helm.sh/hook: test", "old-test": "helm.sh/hook: test-success",
		"unknown": "helm.sh/hook: crd-install", "argo": "argocd.argoproj.io/hook: PreSync",
	} {
		files.WriteString("-- app/templates/" + name + ".yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations: {" + annotation + "}\n")
	}
	for name, test := range map[string]struct {
		build gitindex.HelmBuild
		want  string
	}{
		"all but those at events that Helm doesn't know": {gitindex.HelmBuild{}, "argo install old-test plain test"},
		"without tests":                {gitindex.HelmBuild{SkipTests: true}, "argo install plain"},
		"without any of Helm's":        {gitindex.HelmBuild{SkipHooks: true}, "argo plain"},
		"without any, and any of them": {gitindex.HelmBuild{SkipHooks: true, SkipTests: true}, "argo plain"},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := renderTree(tree(files.String()), helmAt(test.build))
			if err != nil {
				t.Fatal(err)
			}
			if got := namesOf(declared); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func namesOf(declared []gitindex.Declared) string {
	var names []string
	for _, d := range declared {
		names = append(names, d.Key.Name)
	}
	return strings.Join(names, " ")
}

func TestChartsBelowAreRendered(t *testing.T) {
	const sub = "apiVersion: v2\nname: sub\nversion: 0.1.0\n"
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Chart.Name }}-{{ .Values.size }}'}\n"
	depends := func(fields string) string {
		return chartYAML + "dependencies:\n- {name: sub, version: 0.x, " + fields + "}\n"
	}
	const folder = "-- app/charts/sub-renamed/Chart.yaml --\n" + sub + "-- app/charts/sub-renamed/values.yaml --\nsize: s\n-- app/charts/sub-renamed/templates/a.yaml --\n" + object
	packed := archive(t, "-- sub/Chart.yaml --\n"+sub+"-- sub/values.yaml --\nsize: s\n-- sub/templates/a.yaml --\n"+object+"-- sub/crds/d.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: defined}\n")

	for name, test := range map[string]struct {
		files  string
		binary map[string][]byte
		build  gitindex.HelmBuild
		want   []string // names and files
	}{
		"in a folder, which may have any name": {
			files: depends("repository: ''") + folder,
			want:  []string{"sub-s app/charts/sub-renamed/templates/a.yaml:0"},
		},
		"in a folder that Chart.yaml doesn't mention": {
			files: chartYAML + folder,
			want:  []string{"sub-s app/charts/sub-renamed/templates/a.yaml:0"},
		},
		"with values of the chart above": {
			files: depends("repository: ''") + folder + "-- app/values.yaml --\nsub: {size: above}\n",
			want:  []string{"sub-above app/charts/sub-renamed/templates/a.yaml:0"},
		},
		"twice, by other names": {
			files: chartYAML + "dependencies:\n- {name: sub, version: 0.x, repository: '', alias: one}\n- {name: sub, version: 0.x, repository: '', alias: two}\n" + folder + "-- app/values.yaml --\ntwo: {size: other}\n",
			want:  []string{"one-s app/charts/sub-renamed/templates/a.yaml:0", "two-other app/charts/sub-renamed/templates/a.yaml:0"},
		},
		"in an archive": {
			files:  depends("repository: ''"),
			binary: map[string][]byte{"app/charts/sub-0.1.0.tgz": packed},
			want:   []string{"defined app/charts/sub-0.1.0.tgz:0", "sub-s app/charts/sub-0.1.0.tgz:0"},
		},
		"not if a condition is off": {
			files: depends("repository: '', condition: sub.enabled") + folder,
			build: gitindex.HelmBuild{Values: "sub: {enabled: false}"},
		},
		"not if a tag is off": {
			files: depends("repository: '', tags: [extra]") + folder,
			build: gitindex.HelmBuild{Values: "tags: {extra: false}"},
		},
		"elsewhere in the repository": {
			files: depends("repository: file://../shared/sub") + strings.ReplaceAll(folder, "app/charts/sub-renamed", "shared/sub"),
			want:  []string{"sub-s shared/sub/templates/a.yaml:0"},
		},
		"not if what is missing is off": {
			files: depends("repository: 'https://charts.example.com', condition: sub.enabled") + "-- app/values.yaml --\nsub: {enabled: false}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree(test.files)
			for name, data := range test.binary {
				files[name] = &fstest.MapFile{Data: data, Mode: 0o644}
			}
			declared, err := renderTree(files, helmAt(test.build))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range declared {
				got = append(got, d.Key.Name+" "+place(d.Origin.File, d.Origin.Line))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// archive packs files as helm package does.
func archive(t *testing.T, files string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	packed := tar.NewWriter(zipped)
	all := tree(files)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(all[name].Data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := packed.Write(all[name].Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkChartOf100Objects has 50 Deployments and 50 Services in one chart.
func BenchmarkChartOf100Objects(b *testing.B) {
	text := chartYAML + "-- app/values.yaml --\nimage: web\nreplicas: 2\n-- app/templates/_h.tpl --\n{{ define \"labels\" }}\napp: {{ .Release.Name }}\nchart: {{ .Chart.Name | quote }}\n{{ end }}\n"
	for i := range 50 {
		name := "web-" + strconv.Itoa(i)
		text += "-- app/templates/" + name + ".yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\n  labels: {{- include \"labels\" . | nindent 4 }}\n" +
			"spec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - name: web\n        image: {{ .Values.image }}\n        env: [{name: SECRET, value: {{ randAlphaNum 20 }}}]\n" +
			"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: " + name + "\n  labels: {{- include \"labels\" . | nindent 4 }}\nspec:\n  ports: [{port: 80}]\n"
	}
	files := tree(text)
	for b.Loop() {
		declared, err := renderTree(files, gitindex.Location{Path: "app"})
		if err != nil || len(declared) != 100 {
			b.Fatal(len(declared), err)
		}
	}
}
