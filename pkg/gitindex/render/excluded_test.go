package render_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

// foundIn renders a folder on the disk, and lists the objects by name.
func foundIn(t *testing.T, root string, at gitindex.Location) string {
	t.Helper()
	declared, _, err := renderer.Render(context.Background(), os.DirFS(root), at)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, d := range declared {
		names = append(names, d.Key.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestFilesThatTheAgentDoesNotTakeAreNotThere(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yaml", "dir/c.yaml", ".github/d.yaml", "deep/er/e.yaml", "deep/kept.yaml"} {
		write(t, root, name, configMap(strings.NewReplacer("/", "-", ".", "-").Replace(strings.TrimPrefix(name, "."))))
	}
	write(t, root, ".sourceignore", "b.yaml\n/deep/*\n!/deep/kept.yaml\n")
	link(t, root, "link.yaml", "a.yaml")
	link(t, root, "linked", "dir")
	for _, test := range []struct {
		path, excluded string
		flux           bool
		want           string
	}{
		{path: ".", want: "ConfigMap default/a-yaml is declared here and in a.yaml:1: remove one of them"},
		{path: ".", flux: true, want: "a-yaml deep-kept-yaml dir-c-yaml"},
		{path: ".", flux: true, excluded: "dir/", want: "a-yaml deep-kept-yaml"},
		{path: ".", flux: true, excluded: "/*\n!/dir\n!b.yaml", want: "b-yaml dir-c-yaml"},
		{path: ".", flux: true, excluded: "!/.github", want: "a-yaml deep-kept-yaml dir-c-yaml github-d-yaml"},
		{path: ".", excluded: "link.yaml\ndeep\n", want: "a-yaml b-yaml dir-c-yaml github-d-yaml"},
		{path: "dir", flux: true, want: "dir-c-yaml"},
		{path: "linked", want: "dir-c-yaml"},
		{path: "linked", flux: true, want: "linked does not exist: the repository has deep, dir; correct the path that the agent's object names"},
		{path: "dir", flux: true, excluded: "/dir", want: "dir does not exist: the repository has deep; correct the path that the agent's object names"},
	} {
		got := foundIn(t, root, gitindex.Location{Path: test.path, Build: gitindex.Build{Flux: test.flux, Excluded: test.excluded}})
		if got = strings.TrimPrefix(got, "link.yaml:1: "); got != test.want {
			t.Errorf("%s, Flux %t, without %q:\n got %s\nwant %s", test.path, test.flux, test.excluded, got, test.want)
		}
	}
}

func TestASourceignoreFileIsAnInput(t *testing.T) {
	files := tree("-- apps/a.yaml --\n" + configMap("a") + "-- .sourceignore --\nb.yaml\n")
	at := gitindex.Location{Path: "apps", Build: gitindex.Build{Flux: true}}
	_, inputs, err := renderer.Render(context.Background(), files, at)
	if err != nil {
		t.Fatal(err)
	}
	if !inputs.Unchanged(files) {
		t.Error("the inputs changed by themselves")
	}
	files[".sourceignore"].Data = []byte("a.yaml\n")
	if inputs.Unchanged(files) {
		t.Error("a new .sourceignore is no change")
	}
}
