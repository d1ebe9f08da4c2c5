package render_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// tight are limits that a sane chart doesn't come near. What is to run out of
// one of time and memory has enough of the other, however slowly garbage is
// collected: a template in itself has a stack of 128 MiB, beside the one of
// 64 MiB that it grew out of.
func tight(want string) render.Options {
	o := render.Options{Child: render.OwnChild(), MaxBytes: 1 << 20, MaxObjects: 100}
	switch {
	case strings.HasSuffix(want, outOfTime):
		o.ChildTime = time.Second
	case strings.HasSuffix(want, outOfMemory):
		o.ChildMemory = 256 << 20
	}
	return o
}

const (
	outOfTime   = "rendering takes more than 1s of processor time: look for a loop in it"
	outOfMemory = "rendering takes more than 256 MiB of memory: look for a loop in it, or split it"
)

func TestWhatNeverEndsOrGrowsWithoutEndIsStopped(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds both time and memory")
	}
	const template = chartYAML + "-- app/templates/a.yaml --\n"
	chart, program := gitindex.Location{Path: "app"}, gitindex.Location{Path: "a.jsonnet", Render: gitindex.Jsonnet}
	doubled := "a0: &a0 [x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		n, m := string(rune('0'+i)), string(rune('1'+i))
		doubled += "a" + m + ": &a" + m + " [*a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + "]\n"
	}
	for name, test := range map[string]struct {
		files  string
		binary map[string][]byte
		at     gitindex.Location
		want   string
	}{
		"a chart that loops":                  {files: template + "{{ range 1000000000000 }}{{ end }}", at: chart, want: "app/Chart.yaml: " + outOfTime},
		"a chart that fills the memory":       {files: template + "{{ range 1000000000000 }}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{ end }}", at: chart, want: "app/Chart.yaml: " + outOfMemory},
		"a list that fills the memory":        {files: template + "{{ until 1000000000 }}", at: chart, want: "app/Chart.yaml: " + outOfMemory},
		"text that fills the memory":          {files: template + "{{ repeat 100000000000 \"x\" }}", at: chart, want: "app/Chart.yaml: " + outOfMemory},
		"random text that fills the memory":   {files: template + "{{ randAlphaNum 100000000000 }}", at: chart, want: "app/Chart.yaml: " + outOfMemory},
		"a template in itself":                {files: template + "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", at: chart, want: `app/templates/a.yaml:1: <{{template "a"}}>: exceeded maximum template depth (100000)`},
		"a helper in itself":                  {files: template + "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}", at: chart, want: `app/templates/a.yaml:1: <include "a" .>: error calling include: rendering template has a nested reference name: a: unable to execute template`},
		"more than a location may come to":    {files: template + "# {{ repeat 2000000 \"x\" }}", at: chart, want: "app/Chart.yaml: the chart comes to more than 1048576 bytes: split it into several"},
		"more objects than a location may":    {files: template + "{{ range 101 }}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n{{ . }}}\n{{ end }}", at: chart, want: "the location declares more than 100 objects: split it into several"},
		"aliases in values":                   {files: chartYAML + "-- app/values.yaml --\n" + doubled, at: chart, want: "app/values.yaml: invalid YAML: document contains excessive aliasing"},
		"aliases in what a template comes to": {files: template + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" + doubled, at: chart, want: "app/templates/a.yaml: in document 1 of what it comes to, line 9: invalid YAML: its aliases stand for more than 8 MiB; write them out"},
		"an archive that unpacks to much":     {files: chartYAML, binary: map[string][]byte{"app/charts/bomb.tgz": zeroed(t, 400<<20)}, at: chart, want: "app/charts/bomb.tgz: the archive can't be read: decompressed chart is larger than the maximum size 104857600"},
		"a program that loops":                {files: "-- a.jsonnet --\nlocal r = std.range(1, 100000);\nstd.foldl(function(a, b) std.foldl(function(c, d) d, r, 0), r, 0)\n", at: program, want: "a.jsonnet: " + outOfTime},
		"a program in itself":                 {files: "-- a.jsonnet --\nlocal f(n) = 1 + f(n);\nf(0)\n", at: program, want: "a.jsonnet:1: max stack frames exceeded."},
		"text that doubles":                   {files: "-- a.jsonnet --\nstd.foldl(function(a, b) a + a, std.range(1, 60), 'x')\n", at: program, want: "a.jsonnet: " + outOfMemory},
		"an array that fills the memory":      {files: "-- a.jsonnet --\nstd.makeArray(1e9, function(i) {a: i})\n", at: program, want: "a.jsonnet: " + outOfMemory},
		"a program that comes to too much":    {files: "-- a.jsonnet --\nlocal s = std.foldl(function(a, b) a + a, std.range(1, 16), 'x');\n[s for i in std.range(1, 80)]\n", at: program, want: "a.jsonnet: what it comes to is larger than 4 MiB: look for a loop, or split it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tree(test.files)
			for name, data := range test.binary {
				files[name] = &fstest.MapFile{Data: data, Mode: 0o644}
			}
			_, inputs, err := render.New(tight(test.want)).Render(context.Background(), files, test.at)
			if err == nil || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
			if !inputs.Unchanged(files) {
				t.Error("it would be rendered again before a file changes")
			}
		})
	}
}

// zeroed is an archive of one file of zeros.
func zeroed(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	packed := tar.NewWriter(zipped)
	if err := packed.WriteHeader(&tar.Header{Name: "sub/big", Mode: 0o644, Size: size}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(packed, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(packed.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// muchWork is a kustomization of as many objects as a location may have, which
// Kustomize compares with one another.
func muchWork() fstest.MapFS {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n", i)
	}
	return fstest.MapFS{
		"app/kustomization.yaml": {Data: []byte("namePrefix: a-\nresources: [c.yaml]\n")},
		"app/c.yaml":             {Data: []byte(b.String())},
	}
}

// muchMemory is a kustomization of a large file, of which Kustomize has many
// copies.
func muchMemory() fstest.MapFS {
	return fstest.MapFS{
		"app/kustomization.yaml": {Data: []byte("namePrefix: a-\nconfigMapGenerator: [{name: c, files: [c.txt]}]\n")},
		"app/c.txt":              {Data: bytes.Repeat([]byte("some text\n"), 2<<20)},
	}
}

func TestAKustomizationThatTakesTooMuchIsStopped(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds both time and memory")
	}
	for name, test := range map[string]struct {
		files   fstest.MapFS
		options render.Options
		want    string
	}{
		"of time": {
			muchWork(), render.Options{Child: render.OwnChild(), ChildTime: time.Second},
			"app/kustomization.yaml: " + outOfTime,
		},
		"of memory": {
			muchMemory(), render.Options{Child: render.OwnChild(), ChildMemory: 256 << 20},
			"app/kustomization.yaml: " + outOfMemory,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := gitindex.Location{Path: "app"}
			small := tree("-- app/kustomization.yaml --\nresources: [c.yaml]\n-- app/c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
			renderer := render.New(test.options)
			for range 2 {
				if _, _, err := renderer.Render(context.Background(), small, at); err != nil {
					t.Fatal(err)
				}
				_, inputs, err := renderer.Render(context.Background(), test.files, at)
				if err == nil || err.Error() != test.want {
					t.Errorf("\n got %v\nwant %s", err, test.want)
				}
				if !inputs.Unchanged(test.files) {
					t.Error("it would be rendered again before a file changes")
				}
				for name := range test.files {
					changed := maps.Clone(test.files)
					changed[name] = &fstest.MapFile{Data: []byte("# nothing")}
					if inputs.Unchanged(changed) {
						t.Errorf("it wouldn't be rendered again when %s changes", name)
					}
				}
			}
		})
	}
}

// What the child was told ahead is of another location: this one would be too
// large with it.
func TestWhatAStoppedChildWasToldMakesNothingTooLarge(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds time")
	}
	files := muchWork()
	size := int64(600)
	for _, file := range files {
		size += int64(len(file.Data))
	}
	files["one/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [../shared/c.yaml]\n")}
	files["shared/c.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n#" + strings.Repeat("x", 1000) + "\n")}
	renderer := render.New(render.Options{Child: render.OwnChild(), ChildTime: time.Second, MaxBytes: size})
	if _, _, err := renderer.Render(context.Background(), files, gitindex.Location{Path: "one"}); err != nil {
		t.Fatal(err)
	}
	_, _, err := renderer.Render(context.Background(), files, gitindex.Location{Path: "app"})
	if want := "app/kustomization.yaml: " + outOfTime; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

// Each is rendered by a child that has rendered one of the others before, and
// is told the answers to the questions that it asked then.
func TestInputsAreWhatAKustomizationWasMadeOf(t *testing.T) {
	const base = "-- base/kustomization.yaml --\nresources: [d.yaml]\n-- base/d.yaml --\n" + deployment + "-- base/c.yaml --\n# nothing\n"
	files := tree(base +
		"-- env/a/kustomization.yaml --\nresources: [../../base]\npatches: [{path: p.yaml}]\n-- env/a/p.yaml --\n" + deployment +
		"-- env/b/kustomization.yaml --\nresources: [../../base]\npatches: [{path: p.yaml}]\n-- env/b/p.yaml --\n" + deployment +
		"-- env/c/kustomization.yaml --\nnamePrefix: c-\nresources: [d.yaml]\n-- env/c/d.yaml --\n" + deployment + "-- env/c/p.yaml --\nunused\n" +
		"-- env/d/kustomization.yaml --\nresources: [../../base, missing.yaml]\n-- env/d/p.yaml --\nunused\n" +
		"-- other/kustomization.yml --\nresources: [env/a]\n-- other/env/a/kustomization.yaml --\nresources: [d.yaml]\n-- other/env/a/d.yaml --\n" + deployment)
	inProcess := render.New(render.Options{})
	renderer := render.New(options)
	for _, path := range []string{"env/a", "env/b", "env/c", "env/b", "env/d", "env/a", "other", "base"} {
		at := gitindex.Location{Path: path}
		want, wantInputs, wantErr := inProcess.Render(context.Background(), files, at)
		got, inputs, err := renderer.Render(context.Background(), files, at)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: got error %v, without a child %v", path, err, wantErr)
		}
		if diff := cmp.Diff(wantInputs, inputs); diff != "" {
			t.Errorf("%s: inputs without and with a child (-without +with):\n%s", path, diff)
		}
		if diff := cmp.Diff(written(want), written(got)); diff != "" {
			t.Errorf("%s: objects without and with a child (-without +with):\n%s", path, diff)
		}
	}
}

// written has all of each object.
func written(all []gitindex.Declared) []string {
	var lines []string
	for _, d := range all {
		lines = append(lines, fmt.Sprintf("%s %+v", d.Manifest.JSON(), d.Origin))
	}
	return lines
}

func TestAnEndedContextStopsAChild(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	files := cancelOn{tree(chartYAML + "-- app/templates/a.yaml --\n{{ range 1000000000000 }}{{ end }}"), "app/templates/a.yaml", func() { cancel(errors.New("enough")) }}
	_, inputs, err := renderer.Render(ctx, files, gitindex.Location{Path: "app"})
	if inputs != nil {
		t.Errorf("the inputs are %v", inputs)
	}
	if err == nil || err.Error() != "rendering was stopped: enough" {
		t.Errorf("got %v", err)
	}
}

func TestFaultsOfTheMachineAreTriedAgain(t *testing.T) {
	files := tree(chartYAML)
	for name, test := range map[string]struct {
		child []string
		want  string
	}{
		"a program that doesn't serve": {nil, "this program doesn't render charts and Jsonnet"},
		"a program that isn't there":   {[]string{"/nowhere/program"}, "starting the rendering process: fork/exec /nowhere/program: no such file or directory"},
		"a program that ends early":    {[]string{"false"}, ""},
		"a program that says nonsense": {[]string{"echo", "hello"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, inputs, err := render.New(render.Options{Child: test.child}).Render(context.Background(), files, gitindex.Location{Path: "app"})
			if err == nil || test.want != "" && err.Error() != test.want || test.want == "" && !strings.HasPrefix(err.Error(), "the rendering process ended without an answer: ") {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
			if inputs != nil {
				t.Errorf("the inputs are %v", inputs)
			}
		})
	}
}

func TestInputsAreWhatAChartWasMadeOf(t *testing.T) {
	const chart = chartYAML + "-- app/templates/a.yaml --\nx: {{ .Values.nothing.at.all }}\n-- app/values.yaml --\na: 1\n-- env/v.yaml --\na: 1\n-- other/x.yaml --\na: 1\n"
	at := helmAt(gitindex.HelmBuild{ValueFiles: []string{"/env/v.yaml", "missing.yaml"}, SkipMissingValueFiles: true})
	for name, test := range map[string]struct {
		change  string
		changed bool
	}{
		"nothing":                      {"", false},
		"a file elsewhere":             {"-- other/x.yaml --\na: 2\n", false},
		"a file beside the value file": {"-- env/w.yaml --\na: 2\n", false},
		"a template":                   {"-- app/templates/a.yaml --\ny: 1\n", true},
		"another template":             {"-- app/templates/b.yaml --\ny: 1\n", true},
		"the chart's values":           {"-- app/values.yaml --\na: 2\n", true},
		"a value file":                 {"-- env/v.yaml --\na: 2\n", true},
		"a value file that was absent": {"-- app/missing.yaml --\na: 2\n", true},
		"a kustomization":              {"-- app/kustomization.yaml --\nresources: []\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			at := at
			at.Render = gitindex.Auto
			_, inputs, err := renderer.Render(context.Background(), tree(chart), at)
			if err == nil {
				t.Fatal("no error")
			}
			if got := !inputs.Unchanged(tree(chart + test.change)); got != test.changed {
				t.Errorf("changed: %t, want %t", got, test.changed)
			}
		})
	}
}

func TestChartsFetchNothing(t *testing.T) {
	bait := setTrap(t)
	t.Setenv("HTTP_PROXY", "http://"+bait.address)
	const text = chartYAML + showing + "ok\n-- app/values.yaml --\na: {b: 1}\n-- app/values.schema.json --\n" +
		`{"$schema": "http://HOST/meta.json", "properties": {"a": {"$ref": "http://HOST/a.json", "properties": {"b": {"$ref": "../b.json"}}}}}` + "\n"
	if got := shown(t, tree(strings.ReplaceAll(text, "HOST", bait.address)), gitindex.Location{Path: "app"}); got != "ok" {
		t.Errorf("got %s", got)
	}
	if sprung := bait.sprung(); sprung != "" {
		t.Errorf("it was fetched or run: %s", sprung)
	}
}
