package render_test

import (
	"context"
	"os"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func directoryAt(format gitindex.Format, directory gitindex.Directory) gitindex.Location {
	return gitindex.Location{Path: "app", Render: format, Build: gitindex.Build{Directory: &directory}}
}

// namespace is a file of one object.
func namespace(file, name string) string {
	return "-- " + file + " --\napiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n"
}

func TestFoldersAreReadAsArgoCDReadsThem(t *testing.T) {
	files := namespace("app/a.yaml", "a") + namespace("app/b.yml", "b") + namespace("app/deep/d.yaml", "d") + namespace("app/deep/er/e.yaml", "e") + namespace("app/.hidden.yaml", "hidden") +
		"-- app/c.json --\n{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"c\"}}\n" +
		"-- app/j.jsonnet --\n{apiVersion: 'v1', kind: 'Namespace', metadata: {name: import 'name.txt'}}\n-- app/name.txt --\n'j'\n" +
		"-- app/settings.yaml --\nanything: else\n-- app/broken.yaml --\na: b: c\n-- app/settings.json --\n{\"a\": 1}\n-- app/list.txt --\nnothing\n" +
		"-- app/skipped.yaml --\n# +argocd:skip-file-rendering\napiVersion: v1\nkind: x\nmetadata: [\n"
	for name, test := range map[string]struct {
		directory gitindex.Directory
		want      string
	}{
		"every manifest, and what Jsonnet makes":  {gitindex.Directory{}, "hidden a b c d e j"},
		"those of the folder alone":               {gitindex.Directory{Flat: true}, "hidden a b c j"},
		"those that are included":                 {gitindex.Directory{Include: "*.yaml"}, "hidden a d e"},
		"those that one of two patterns includes": {gitindex.Directory{Include: "{a.yaml,deep/*}"}, "a d e"},
		"those that are not excluded":             {gitindex.Directory{Exclude: "{deep/**,*.json*,.*}"}, "a b"},
		"those that are included and not excluded": {
			gitindex.Directory{Include: "*.y?ml", Exclude: "[!a]*.yaml"}, "a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []gitindex.Format{gitindex.Plain, gitindex.Auto} {
				declared, err := renderTree(tree(files), directoryAt(format, test.directory))
				if err != nil {
					t.Fatal(err)
				}
				if got := namesOf(declared); got != test.want {
					t.Errorf("%s: got %q, want %q", format, got, test.want)
				}
			}
		})
	}
}

func TestFaultsInFoldersOfArgoCD(t *testing.T) {
	for name, test := range map[string]struct {
		files     string
		directory gitindex.Directory
		want      string
	}{
		"a file that looks like an object": {
			files: "-- app/a.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: [}\n",
			want:  "app/a.yaml:3: invalid YAML: did not find expected node content",
		},
		"a file that is one and then is none": {
			files: namespace("app/a.yaml", "a") + "---\nnothing: at all\n",
			want:  "app/a.yaml:5: this is no Kubernetes object: it has no apiVersion and kind; move it elsewhere, or name only the paths of manifests",
		},
		"bad JSON": {
			files: "-- app/a.json --\n{\n\"a\": x}\n",
			want:  "app/a.json:2: invalid JSON: invalid character 'x' looking for beginning of value",
		},
		"a list in JSON": {
			files: "-- app/a.json --\n[]\n",
			want:  "app/a.json: this is no Kubernetes object: it isn't a map; move it elsewhere, or exclude it",
		},
		"two values of JSON": {
			files: "-- app/a.json --\n{\"kind\": \"x\"}\n{}\n",
			want:  "app/a.json: there is more than one object in the file, which Argo CD doesn't take of JSON: split it",
		},
		"a pattern that is none": {
			files: namespace("app/a.yaml", "a"), directory: gitindex.Directory{Include: "[a"},
			want: "the pattern of files to include, [a, can't be read (a [ is never closed): correct it",
		},
		"a kustomization below, which Argo CD takes for an object": {
			files: "-- app/below/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {}\n",
			want:  "app/below/kustomization.yaml:1: the object has no metadata.name: give it one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustFail(t, tree(test.files), directoryAt(gitindex.Plain, test.directory)); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestArgoCDFollowsLinksToFilesAlone(t *testing.T) {
	root := t.TempDir()
	write(t, root, "other/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: linked}\n")
	link(t, root, "app/a.yaml", "../other/a.yaml")
	link(t, root, "app/folder.yaml", "../other")
	link(t, root, "app/broken.yaml", "nowhere.yaml")
	declared, _, err := renderer.Render(context.Background(), os.DirFS(root), directoryAt(gitindex.Plain, gitindex.Directory{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := namesOf(declared); got != "linked" {
		t.Errorf("got %s", got)
	}
}
