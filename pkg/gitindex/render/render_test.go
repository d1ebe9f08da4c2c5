package render_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

func TestLocationsThatCantBeRenderedSayWhy(t *testing.T) {
	many := "-- apps/overlays/production/kustomization.yaml --\nnamePrefix: a\n-- apps/overlays/staging/kustomization.yaml --\nnamePrefix: a\n-- apps/overlays/.hidden/x --\n-- apps/note.txt --\n"
	for name, test := range map[string]struct {
		files string
		at    gitindex.Location
		want  string
	}{
		"a path that is misspelt": {
			many, gitindex.Location{Path: "apps/overlays/stagging"},
			"apps/overlays/stagging does not exist: apps/overlays has production, staging; correct spec.git.paths[].path",
		},
		"a path whose parents do not exist either": {
			many, gitindex.Location{Path: "aps/overlays/staging"},
			"aps/overlays/staging does not exist: the repository has apps; correct spec.git.paths[].path",
		},
		"a path below a file": {
			many, gitindex.Location{Path: "apps/note.txt/x"},
			"apps/note.txt/x does not exist: apps has overlays; correct spec.git.paths[].path",
		},
		"an empty repository": {
			"", gitindex.Location{Path: "apps"},
			"apps does not exist: the repository has no folders; correct spec.git.paths[].path",
		},
		"a path out of the repository": {
			many, gitindex.Location{Path: "../x"},
			"the path ../x is outside of the repository: name one relative to its root",
		},
		"an absolute path": {
			many, gitindex.Location{Path: "/apps"},
			"the path /apps is outside of the repository: name one relative to its root",
		},
		"a format that is none": {
			many, gitindex.Location{Path: "apps", Render: "Tanka"},
			`apps can't be rendered as "Tanka": use Auto, Plain, Kustomize, Helm or Jsonnet`,
		},
		"what only the agent can render": {
			many, gitindex.Location{Path: "apps", Render: gitindex.Unrendered, Build: gitindex.Build{Why: "the plugin cdk8s makes its manifests"}},
			"only the agent can render apps: the plugin cdk8s makes its manifests",
		},
		"a file for Helm": {
			many, gitindex.Location{Path: "apps/note.txt", Render: gitindex.Helm},
			"apps/note.txt is a file, and Helm renders folders: name the chart's folder",
		},
		"a folder without a chart for Helm": {
			many, gitindex.Location{Path: "apps", Render: gitindex.Helm},
			"apps has no Chart.yaml: name the folder of a chart",
		},
		"a file for Kustomize": {
			many, gitindex.Location{Path: "apps/note.txt", Render: gitindex.Kustomize},
			"apps/note.txt is a file, and Kustomize renders folders: name its folder, or render it as Plain",
		},
		"a folder without a kustomization for Kustomize": {
			many, gitindex.Location{Path: "apps", Render: gitindex.Kustomize},
			"apps has no kustomization.yaml: add one, or name another folder",
		},
		"a folder whose Jsonnet is in folders below": {
			"-- apps/web/web.jsonnet --\n{}\n", gitindex.Location{Path: "apps", Render: gitindex.Jsonnet},
			"apps has no .jsonnet file: name the folder of one",
		},
		"a folder with nothing but Jsonnet, unless it is said": {
			"-- apps/web.jsonnet --\n{}\n-- apps/lib.libsonnet --\n{}\n-- apps/README.md --\n-- apps/.ci/lint.yaml --\n- a\n", gitindex.Location{Path: "apps"},
			"apps holds Jsonnet only, which Auto leaves out: set render to Jsonnet for the path apps",
		},
		"the same, in folders below": {
			"-- apps/b/web.jsonnet --\n{}\n-- apps/a/web.jsonnet --\n{}\n", gitindex.Location{Path: "."},
			"the repository holds Jsonnet only, which Auto leaves out: set render to Jsonnet for the path apps/a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustFail(t, tree(test.files), test.at); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAFolderMayHoldNothing(t *testing.T) {
	for name, files := range map[string]string{
		"no manifest at all":                "-- apps/README.md --\n-- apps/lib.libsonnet --\n{}\n",
		"Jsonnet beside YAML that is empty": "-- apps/web.jsonnet --\n{}\n-- apps/web.yaml --\n# nothing yet\n",
		"Jsonnet in a hidden folder":        "-- apps/.old/web.jsonnet --\n{}\n",
	} {
		declared, err := renderTree(tree(files), gitindex.Location{Path: "apps"})
		if err != nil || len(declared) > 0 {
			t.Errorf("%s: %d objects, %v", name, len(declared), err)
		}
	}
	jsonnet := tree("-- apps/web.jsonnet --\n{}\n")
	if _, err := renderTree(jsonnet, gitindex.Location{Path: "apps", Render: gitindex.Plain}); err != nil {
		t.Errorf("who asks for Plain means it: %v", err)
	}
}

func TestErrorsKeepWhatCausedThem(t *testing.T) {
	_, err := renderTree(tree("-- a/x --\n"), gitindex.Location{Path: "b"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	_, err = renderTree(tree("-- app/kustomization.yaml --\nresources: [x.yaml]\n"), gitindex.Location{Path: "app"})
	var fault *gitindex.RenderError
	if !errors.As(err, &fault) || fault.File != "app/kustomization.yaml" || fault.Line != 1 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%#v", err)
	}
}

func TestFormatAutoTakesKustomizeWhereThereIsAKustomizationFile(t *testing.T) {
	for _, file := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		files := tree("-- app/" + file + " --\nresources: [d.yaml]\nnamePrefix: by-kustomize-\n" + oneDeployment)
		declared, err := renderTree(files, gitindex.Location{Path: "app", Render: gitindex.Auto})
		if err != nil || len(declared) != 1 || declared[0].Key.Name != "by-kustomize-web" {
			t.Errorf("%s: %v %v", file, declared, err)
		}
	}
}

func TestLimitsBoundWhatOneLocationMayDeclare(t *testing.T) {
	three := strings.Repeat("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x}\n", 3)
	large := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: " + strings.Repeat("x", 1000) + "\n"
	grown := "resources: [a.yaml]\nreplacements:\n- source: {kind: ConfigMap, name: x, fieldPath: data.a}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.b, data.c]\n    options: {create: true}\n"
	for name, test := range map[string]struct {
		files   string
		options render.Options
		want    string
	}{
		"objects of plain files": {
			"-- app/a.yaml --\n" + three, render.Options{MaxObjects: 2},
			"the location declares more than 2 objects: split it into several",
		},
		"objects of a kustomization": {
			"-- app/kustomization.yaml --\nresources: [a.yaml]\n-- app/a.yaml --\n" + three, render.Options{MaxObjects: 2},
			"app/kustomization.yaml: it declares more than 2 objects: split it into several locations",
		},
		"a base that is taken in again and again": {
			doubling(8), render.Options{MaxObjects: 200},
			"app/kustomization.yaml: it declares more than 200 objects: split it into several locations",
		},
		"kustomizations that take in each other, and nothing else": {
			strings.Replace(doubling(40), "resources: [../d.yaml]", "buildMetadata: [managedByLabel]", 1), render.Options{},
			"app/kustomization.yaml: it takes in more than 2000 kustomizations, counting each as often as it is named: split it into several locations",
		},
		"a large file": {
			"-- app/a.yaml --\n" + large, render.Options{MaxBytes: 500},
			"reading app/a.yaml: the files of this location are larger than 500 bytes in all: split it into several locations",
		},
		"files that are large together": {
			"-- app/a.yaml --\n" + large + "-- app/b.yaml --\n" + large, render.Options{MaxBytes: 2000},
			"reading app/b.yaml: the files of this location are larger than 2000 bytes in all: split it into several locations",
		},
		"objects that are larger than their files": {
			"-- app/kustomization.yaml --\n" + grown + "-- app/a.yaml --\n" + large, render.Options{MaxBytes: 2000},
			"app/a.yaml:1: the objects of this location are too large in all: split it into several",
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared, _, err := render.New(test.options).Render(context.Background(), tree(test.files), gitindex.Location{Path: "app"})
			if err == nil {
				t.Fatalf("no error, but %d objects", len(declared))
			}
			if err.Error() != test.want {
				t.Errorf("\n got %s\nwant %s", err, test.want)
			}
		})
	}
}

// doubling is kustomizations that each take in the next two.
func doubling(depth int) string {
	var b strings.Builder
	names := func(i int) string { return fmt.Sprintf("../a%d, ../b%d", i, i) }
	fmt.Fprintf(&b, "-- app/kustomization.yaml --\nresources: [%s]\n", names(0))
	for i := range depth {
		for _, side := range []string{"a", "b"} {
			fmt.Fprintf(&b, "-- %s%d/kustomization.yaml --\nnamePrefix: %s\nresources: [%s]\n", side, i, side, names(i+1))
		}
	}
	for _, side := range []string{"a", "b"} {
		fmt.Fprintf(&b, "-- %s%d/kustomization.yaml --\nnamePrefix: %s\nresources: [../d.yaml]\n", side, depth, side)
	}
	return b.String() + "-- d.yaml --\n" + deployment
}

func TestAnEndedContextStopsRendering(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("no longer wanted"))
	for _, format := range []gitindex.Format{gitindex.Plain, gitindex.Kustomize} {
		declared, inputs, err := renderer.Render(ctx, os.DirFS(infra), gitindex.Location{Path: "apps/overlays/staging", Render: format})
		if declared != nil || inputs != nil || err == nil || err.Error() != "rendering was stopped: no longer wanted" {
			t.Errorf("%s: %v %v %v", format, declared, inputs, err)
		}
	}
}

// TestAContextThatEndsWhileKustomizeRunsStopsIt ends it when a patch is read.
func TestAContextThatEndsWhileKustomizeRunsStopsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	files := cancelOn{os.DirFS(infra), "apps/overlays/staging/patch-replicas.yaml", cancel}
	_, inputs, err := renderer.Render(ctx, files, gitindex.Location{Path: "apps/overlays/staging"})
	if inputs != nil || !errors.Is(err, context.Canceled) || err.Error() != "rendering was stopped: context canceled" {
		t.Errorf("%v %v", inputs, err)
	}
}

type cancelOn struct {
	fs.FS
	name   string
	cancel func()
}

func (c cancelOn) ReadFile(name string) ([]byte, error) {
	if name == c.name {
		c.cancel()
	}
	return fs.ReadFile(c.FS, name)
}

func TestTheSameTreeIsAlwaysRenderedTheSame(t *testing.T) {
	for _, file := range glob(t, "testdata/parity/*.txtar") {
		root := extract(t, file)
		if _, err := os.Stat(filepath.Join(root, "app")); err != nil {
			continue
		}
		first := renderAt(t, root, gitindex.Location{Path: "app"})
		for range 3 {
			if diff := cmp.Diff(first, renderAt(t, root, gitindex.Location{Path: "app"})); diff != "" {
				t.Errorf("%s: (-first +again):\n%s", file, diff)
			}
		}
	}
}

func TestASchemaOfOneRepositoryIsNotThatOfTheNext(t *testing.T) {
	archive := extract(t, "testdata/parity/openapi-file.txtar")
	merged := renderAt(t, archive, gitindex.Location{Path: "app"})[0]
	if want := `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"parts":[{"name":"b","size":3},{"name":"a","size":1}]}}`; string(merged.Manifest.JSON()) != want {
		t.Fatalf("with the schema: %s", merged.Manifest.JSON())
	}
	write(t, archive, "app/kustomization.yaml", "resources: [widget.yaml]\npatches: [{path: patch.yaml}]\n")
	replaced := renderAt(t, archive, gitindex.Location{Path: "app"})[0]
	if want := `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"parts":[{"name":"b","size":3}]}}`; string(replaced.Manifest.JSON()) != want {
		t.Errorf("without the schema: %s", replaced.Manifest.JSON())
	}
	// A list of a built-in kind merges again, too.
	if got := renderAt(t, infra, gitindex.Location{Path: "apps/overlays/production"}); !bytes.Contains(got[0].Manifest.JSON(), []byte(`"readinessProbe"`)) {
		t.Errorf("the container was replaced: %s", got[0].Manifest.JSON())
	}
}

func TestNothingIsWrittenToStandardErrorOrTheLog(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	defer func(was *os.File) { os.Stderr = was }(os.Stderr)
	defer log.SetOutput(log.Writer())
	os.Stderr = stderr
	log.SetOutput(&logged)
	for _, name := range []string{"configurations", "patches", "odd-files", "images-and-replicas", "names-and-labels"} {
		renderAt(t, extract(t, "testdata/parity/"+name+".txtar"), gitindex.Location{Path: "app"})
	}
	if os.Stderr != stderr || log.Writer() != &logged {
		t.Error("standard error or the log was not put back")
	}
	written, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(written) + logged.String(); text != "" {
		t.Errorf("it says %s", text)
	}
}

func TestManyLocationsMayBeRenderedAtATime(t *testing.T) {
	renderer := render.New(render.Options{})
	root := extract(t, "testdata/parity/openapi-file.txtar")
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			at, files := gitindex.Location{Path: "apps/overlays/production"}, os.DirFS(infra)
			switch i % 3 {
			case 1:
				at.Path, files = "app", os.DirFS(root)
			case 2:
				at.Path = "cluster-config"
			}
			if _, _, err := renderer.Render(context.Background(), files, at); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestLinkedBasesAndFilesAreResolvedAsOnDisk(t *testing.T) {
	root := t.TempDir()
	write(t, root, "real/base/kustomization.yaml", "resources: [d.yaml, ../beside.yaml]\n")
	write(t, root, "real/base/d.yaml", deployment)
	write(t, root, "real/beside.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n")
	write(t, root, "app/kustomization.yaml", "resources: [base, linked.yaml]\npatches: [{path: patch.yaml}]\n")
	write(t, root, "other.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
	write(t, root, "patch.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n")
	link(t, root, "app/base", "../real/base")
	link(t, root, "app/linked.yaml", "../other.yaml")
	link(t, root, "app/patch.yaml", "../patch.yaml")
	if n := compareWithKustomize(t, root, "app"); n != 3 {
		t.Errorf("compared %d objects, want 3", n)
	}
	link(t, root, "entry", "app")
	if n := compareWithKustomize(t, root, "entry"); n != 3 {
		t.Errorf("compared %d objects through a linked folder, want 3", n)
	}
}

func TestALinkOutOfTheTreeIsAFault(t *testing.T) {
	root := t.TempDir()
	write(t, root, "app/kustomization.yaml", "resources:\n- out\n")
	write(t, root, "plain/keep.txt", "")
	link(t, root, "app/out", "../../elsewhere")
	link(t, root, "plain/out.yaml", "/etc/hostname")
	inside, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	for at, want := range map[string]string{
		"app":   "app/kustomization.yaml:2: resource out: it can't be read: path escapes from parent",
		"plain": "plain/out.yaml: it can't be read: path escapes from parent",
	} {
		_, inputs, err := renderer.Render(context.Background(), inside.FS(), gitindex.Location{Path: at})
		if err == nil || err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
		if !inputs.Unchanged(inside.FS()) {
			t.Errorf("%s: the inputs are not those of the same tree: %v", at, inputs)
		}
	}
}
