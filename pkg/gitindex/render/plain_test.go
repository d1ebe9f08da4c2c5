package render_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	k8syaml "sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestPlainFoldersDeclareTheirObjects(t *testing.T) {
	for name, test := range map[string]struct {
		files string
		at    gitindex.Location
		want  []string // key, origin, JSON
	}{
		"every manifest in a folder and below it, in order of name": {
			files: "-- a/z.yml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: z, namespace: ns}\n" +
				"-- a/b/deep.json --\n{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"deep\", \"namespace\": \"ns\"}}\n" +
				"-- a/note.txt --\nnot: a manifest\n",
			at: gitindex.Location{Path: "a"},
			want: []string{
				`ConfigMap ns/deep a/b/deep.json:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep","namespace":"ns"}}`,
				`ConfigMap ns/z a/z.yml:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z","namespace":"ns"}}`,
			},
		},
		"several documents of a file, without the empty ones": {
			files: "-- a.yaml --\n# first\n---\n---\n# second\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n--- # third\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n...\n---\n",
			want: []string{
				`Namespace one a.yaml:5 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`Namespace two a.yaml:9 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"the items of a list, and of a list in it": {
			files: "-- a.yaml --\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: one}\n- kind: NamespaceList\n  items:\n  - apiVersion: v1\n    kind: Namespace\n    metadata: {name: two}\n- kind: List\n  items: null\n",
			want: []string{
				`Namespace one a.yaml:4 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`Namespace two a.yaml:9 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"values as kubectl reads them": {
			files: "-- a.yaml --\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t, namespace: ns}\nspec:\n  on: yes\n  octal: 0644\n  float: 1.50\n  big: 12345678901234567\n  date: 2024-01-02\n  html: <&>\n  merged: {<<: {a: 1}, b: 2}\n  none: ~\n",
			want: []string{
				`Thing ns/t a.yaml:1 {"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t","namespace":"ns"},"spec":{"big":12345678901234567,"date":"2024-01-02","float":1.5,"html":"<&>","merged":{"a":1,"b":2},"none":null,"octal":420,"true":true}} (scope unknown)`,
			},
		},
		"JSON that YAML can't read, one value after the other": {
			files: "-- a.json --\n{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"one\",\n\"annotations\":{\"face\":\"\\ud83d\\ude00\"}}}\n{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"two\"}}\n",
			want: []string{
				`Namespace one a.json:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"face":"😀"},"name":"one"}}`,
				`Namespace two a.json:3 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"only the file that the path names, whatever it is called": {
			files: "-- a/one.tpl --\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n-- a/two.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n",
			at:    gitindex.Location{Path: "a/one.tpl"},
			want:  []string{`Namespace one a/one.tpl:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`},
		},
		"the location's namespace where an object has none": {
			files: "-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: other}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: nonsense}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n",
			at:    gitindex.Location{Path: ".", Namespace: "here"},
			want: []string{
				`ConfigMap here/c a.yaml:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"here"}}`,
				`ConfigMap other/own a.yaml:5 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"own","namespace":"other"}}`,
				`ClusterRole r a.yaml:9 {"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"}}`,
				`Thing here/t a.yaml:13 {"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"}} (scope unknown)`,
			},
		},
		"the namespace default where there is no other": {
			files: "-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
			want:  []string{`ConfigMap default/c a.yaml:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"default"}}`},
		},
		"the scope that a definition in the same location says": {
			files: "-- a.yaml --\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n---\napiVersion: example.com/v1\nkind: World\nmetadata: {name: w, namespace: ns}\n" +
				"-- crds.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Thing}}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: worlds.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: World}}\n",
			at: gitindex.Location{Path: ".", Namespace: "here"},
			want: []string{
				`Thing here/t a.yaml:1 {"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t","namespace":"here"}}`,
				`World w a.yaml:5 {"apiVersion":"example.com/v1","kind":"World","metadata":{"name":"w"}}`,
				`CustomResourceDefinition things.example.com crds.yaml:1 {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},"spec":{"group":"example.com","names":{"kind":"Thing"},"scope":"Namespaced"}}`,
				`CustomResourceDefinition worlds.example.com crds.yaml:6 {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"worlds.example.com"},"spec":{"group":"example.com","names":{"kind":"World"},"scope":"Cluster"}}`,
			},
		},
		"nothing for an object that the API server names": {
			files: "-- a.yaml --\napiVersion: batch/v1\nkind: Job\nmetadata: {generateName: once-}\n",
		},
		"only objects in files and folders whose names begin with a dot": {
			files: "-- .github/ci.yaml --\non: push\njobs: {}\n-- .sops.yaml --\ncreation_rules: []\n-- .hidden/ns.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n",
			want:  []string{`Namespace one .hidden/ns.yaml:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`},
		},
		"no kustomization file, and none of the folders that have one": {
			files: "-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n-- below/kustomization.yaml --\nresources: [b.yaml]\n-- below/b.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n",
			at:    gitindex.Location{Path: ".", Render: gitindex.Plain},
			want:  []string{`Namespace one a.yaml:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`},
		},
		"kustomizations in folders below, if the format is Auto": {
			files: "-- a.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n-- below/kustomization.yaml --\nresources: [b.yaml]\nnamePrefix: x-\n-- below/b.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
			at:    gitindex.Location{Path: "."},
			want: []string{
				`Namespace one a.yaml:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`ConfigMap default/x-two below/b.yaml:1 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x-two","namespace":"default"}}`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.at.Path == "" {
				test.at.Path = "."
			}
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

func summaries(declared []gitindex.Declared) []string {
	var all []string
	for _, d := range declared {
		line := d.Key.String() + " " + place(d.Origin.File, d.Origin.Line) + " " + string(d.Manifest.JSON())
		if d.ScopeUnknown {
			line += " (scope unknown)"
		}
		all = append(all, line)
	}
	return all
}

func TestFaultsInPlainFilesAreNamedWithTheirLine(t *testing.T) {
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	for name, test := range map[string]struct{ files, want string }{
		"bad indentation in the second document": {
			"-- a.yaml --\n" + object + "---\n" + object + " data: {}\n",
			"a.yaml:10: invalid YAML: did not find expected key",
		},
		"a template that nobody rendered": {
			"-- a.yaml --\n" + object + "data:\n  a: {{ .Values.a }}\n",
			"a.yaml:6: invalid YAML: a key is a map or a list; a template has to be rendered first",
		},
		"a template around it": {
			"-- a.yaml --\n{{- if .Values.a }}\n" + object + "{{- end }}\n",
			"a.yaml:1: invalid YAML: did not find expected node content",
		},
		"a tab": {
			"-- a.yaml --\n" + object + "data:\n\ta: b\n",
			"a.yaml:6: invalid YAML: found character that cannot start any token",
		},
		"an alias of nothing": {
			"-- a.yaml --\n" + object + "data:\n  a: *nothing\n",
			"a.yaml:6: invalid YAML: a value begins with *, which names an anchor that isn't there: quote it",
		},
		"a key twice": {
			"-- a.yaml --\n" + object + "data: {}\n---\n" + object + "  labels: {}\ndata: {}\nmetadata: {}\n",
			`a.yaml:13: invalid YAML: key "metadata" stands here and on line 9`,
		},
		"a key twice in JSON": {
			"-- a.json --\n{\"apiVersion\": \"v1\",\n\"kind\": \"ConfigMap\",\n\"kind\": \"Secret\"}\n",
			`a.json:3: invalid YAML: key "kind" stands here and on line 2`,
		},
		"aliases that multiply": {
			"-- a.yaml --\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
			"a.yaml:6: invalid YAML: its aliases stand for more than 8 MiB; write them out",
		},
		"an anchor that holds itself": {
			"-- a.yaml --\na: &a [*a]\n",
			"a.yaml:1: invalid YAML: an anchor holds an alias of itself",
		},
		"a document that no marker begins": {
			"-- a.yaml --\n" + object + "...\n" + object,
			"a.yaml:6: invalid YAML: a document follows that no --- begins",
		},
		"a file that is no manifest": {
			"-- values.yaml --\n# of some chart\nreplicas: 3\n",
			"values.yaml:2: this is no Kubernetes object: it has no apiVersion and kind; move it elsewhere, or name only the paths of manifests",
		},
		"a chart's description": {
			"-- Chart.yaml --\napiVersion: v2\nname: chart\n",
			"Chart.yaml:1: this is no Kubernetes object: it has no kind; move it elsewhere, or name only the paths of manifests",
		},
		"a list where an object should be": {
			"-- a.yaml --\n- a\n",
			"a.yaml:1: this is no Kubernetes object: it isn't a map; move it elsewhere, or name only the paths of manifests",
		},
		"an item of a list that is no object": {
			"-- a.yaml --\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n- just: this\n",
			"a.yaml:6: this is no Kubernetes object: it has no apiVersion and kind; move it elsewhere, or name only the paths of manifests",
		},
		"no name": {
			"-- a.yaml --\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {}}\n",
			"a.yaml:2: the object has no metadata.name: give it one",
		},
		"no metadata": {
			"-- a.yaml --\napiVersion: v1\nkind: ConfigMap\n",
			"a.yaml:1: the object has no metadata.name: give it one",
		},
		"a number for a name": {
			"-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 123}\n",
			"a.yaml:1: metadata.name has to be text: put it in quotes",
		},
		"a truth for a namespace": {
			"-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: on}\n",
			"a.yaml:1: metadata.namespace has to be text: put it in quotes",
		},
		"the same object twice": {
			"-- a/one.yaml --\n" + object + "-- a/two.yaml --\n---\n---\n" + object + "  namespace: default\n",
			"a/two.yaml:3: ConfigMap default/a is declared here and in a/one.yaml:1: remove one of them",
		},
		"two versions of the same object": {
			"-- a.yaml --\napiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n",
			"a.yaml:5: HorizontalPodAutoscaler default/a is declared here and in a.yaml:1: remove one of them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustFail(t, tree(test.files), gitindex.Location{Path: ".", Render: gitindex.Plain})
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLinksToFilesAreFollowedAndLinksToFoldersAreNot(t *testing.T) {
	root := t.TempDir()
	write(t, root, "shared/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n")
	write(t, root, "app/keep.txt", "")
	link(t, root, "app/link.yaml", "../shared/ns.yaml")
	link(t, root, "app/folder", "../shared")
	link(t, root, "app/folder.yaml", "../shared")
	got := summaries(renderAt(t, root, gitindex.Location{Path: "app"}))
	want := []string{`Namespace one app/link.yaml:1 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlainExamplesAreReadAsKubectlReadsThem decodes the same files by the
// library that kubectl uses, cut at the lines that kubectl cuts at.
func TestPlainExamplesAreReadAsKubectlReadsThem(t *testing.T) {
	compared := 0
	for _, dir := range []string{"cluster-config", "bootstrap", "bootstrap/apps", "secrets/staging"} {
		t.Run(dir, func(t *testing.T) {
			var want []map[string]any
			if err := fs.WalkDir(os.DirFS(infra), dir, func(name string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" {
					return err
				}
				data, err := os.ReadFile(path.Join(infra, name))
				for _, text := range strings.Split(string(data), "\n---\n") {
					object := map[string]any{}
					if err := k8syaml.Unmarshal([]byte(text), &object, useNumber); err != nil {
						t.Fatal(err)
					}
					want = append(want, object)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			ours := renderAt(t, infra, gitindex.Location{Path: dir})
			var got []map[string]any
			for _, d := range ours {
				got = append(got, decode(t, d.Manifest.JSON()))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-kubectl +ours):\n%s", diff)
			}
			compared += len(got)
		})
	}
	t.Logf("compared %d objects", compared)
	if compared != 15 {
		t.Errorf("compared %d objects, want 15", compared)
	}
}

func useNumber(d *json.Decoder) *json.Decoder {
	d.UseNumber()
	return d
}
