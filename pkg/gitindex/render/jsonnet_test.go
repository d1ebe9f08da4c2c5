package render_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestJsonnetDeclaresAnObjectOrAListOfThem(t *testing.T) {
	for name, test := range map[string]struct {
		files string
		at    gitindex.Location
		want  []string
	}{
		"an object": {
			"-- a/x.jsonnet --\n{apiVersion: 'example.com/v1', kind: 'Numbers', metadata: {name: 'x'}, data: {n: 12345678901, s: 1.5}}\n",
			gitindex.Location{Path: "a/x.jsonnet"},
			[]string{`Numbers default/x a/x.jsonnet:0 {"apiVersion":"example.com/v1","data":{"n":12345678901,"s":1.5},"kind":"Numbers","metadata":{"name":"x"}} (scope unknown)`},
		},
		"a list, a List in it, and nulls": {
			"-- a/x.jsonnet --\nlocal ns(n) = {apiVersion: 'v1', kind: 'Namespace', metadata: {name: n}};\n[ns('one'), null, {apiVersion: 'v1', kind: 'List', items: [ns('two')]}]\n",
			gitindex.Location{Path: "a/x.jsonnet"},
			[]string{
				`Namespace one a/x.jsonnet:0 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`Namespace two a/x.jsonnet:0 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"nothing": {"-- a/x.jsonnet --\nnull\n", gitindex.Location{Path: "a/x.jsonnet"}, nil},
		"every .jsonnet file directly in a folder, and no library": {
			"-- a/x.jsonnet --\n" + `(import 'l.libsonnet')('one')` + "\n-- a/y.jsonnet --\n" + `(import 'l.libsonnet')('two')` + "\n-- a/l.libsonnet --\nfunction(n) {apiVersion: 'v1', kind: 'Namespace', metadata: {name: n}}\n-- a/b/z.jsonnet --\nnonsense\n-- a/n.yaml --\nnonsense\n",
			gitindex.Location{Path: "a"},
			[]string{
				`Namespace one a/x.jsonnet:0 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}`,
				`Namespace two a/y.jsonnet:0 {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`,
			},
		},
		"imports beside the file, then from the last library to the first, then from the folder": {
			"-- a/b/x.jsonnet --\n" + `{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'x'}, data: {a: import 'a', b: import 'b', c: import 'c', d: importstr 'd', e: import '../e'}}` + "\n" +
				"-- a/b/a --\n'beside'\n-- one/a --\n'one'\n-- one/b --\n'one'\n-- two/b --\n'two'\n-- one/c --\n'one'\n-- a/c --\n'folder'\n-- a/d --\nfolder\n-- a/e --\n'above'\n",
			gitindex.Location{Path: "a", Build: gitindex.Build{Directory: &gitindex.Directory{}, Jsonnet: &gitindex.JsonnetBuild{Libraries: []string{"one", "/two"}}}},
			[]string{`ConfigMap default/x a/b/x.jsonnet:0 {"apiVersion":"v1","data":{"a":"beside","b":"two","c":"one","d":"folder\n","e":"above"},"kind":"ConfigMap","metadata":{"name":"x","namespace":"default"}}`},
		},
		"variables, as text and as code": {
			"-- a/x.jsonnet --\nfunction(name, n) {apiVersion: 'example.com/v1', kind: 'Numbers', metadata: {name: name}, data: {n: n, v: std.extVar('v'), c: std.extVar('c')}}\n",
			gitindex.Location{Path: "a/x.jsonnet", Build: gitindex.Build{Jsonnet: &gitindex.JsonnetBuild{
				TLAs:    []gitindex.JsonnetVariable{{Name: "name", Value: "x"}, {Name: "n", Value: "1+1", Code: true}},
				ExtVars: []gitindex.JsonnetVariable{{Name: "v", Value: "1+1"}, {Name: "c", Value: "{a: 1}", Code: true}},
			}}},
			[]string{`Numbers default/x a/x.jsonnet:0 {"apiVersion":"example.com/v1","data":{"c":{"a":1},"n":2,"v":"1+1"},"kind":"Numbers","metadata":{"name":"x"}} (scope unknown)`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.at.Render = gitindex.Jsonnet
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

func TestFaultsInJsonnetAreNamedWithTheirPlace(t *testing.T) {
	const none = "a/x.jsonnet: it comes to neither a Kubernetes object nor a list of them: make it one of them"
	for name, test := range map[string]struct {
		files string
		build gitindex.JsonnetBuild
		want  string
	}{
		"bad syntax":                       {files: "-- a/x.jsonnet --\n{\n  a: [1\n}\n", want: "a/x.jsonnet:3: Expected a comma before next array element"},
		"an unknown name":                  {files: "-- a/x.jsonnet --\n{\n  a: b }\n", want: "a/x.jsonnet:2: Unknown variable: b"},
		"a field that is not there":        {files: "-- a/x.jsonnet --\nlocal o = {};\n{a: o.b}\n", want: "a/x.jsonnet:2: Field does not exist: b"},
		"what the program itself refuses":  {files: "-- a/x.jsonnet --\n\nerror 'set a name'\n", want: "a/x.jsonnet:2: set a name"},
		"a fault in a library":             {files: "-- a/x.jsonnet --\nimport 'l.libsonnet'\n-- a/l.libsonnet --\n\n{a: }\n", want: "a/l.libsonnet:2: Unexpected: \"}\" while parsing terminal"},
		"an import that is not there":      {files: "-- a/x.jsonnet --\nimport 'l.libsonnet'\n", want: "a/x.jsonnet:1: import \"l.libsonnet\": neither beside this file nor in a library is such a file in the repository: correct the path, or add it"},
		"an import out of the repository":  {files: "-- a/x.jsonnet --\nimport '../../etc/passwd'\n", want: "a/x.jsonnet:1: import \"../../etc/passwd\": neither beside this file nor in a library is such a file in the repository: correct the path, or add it"},
		"an absolute import":               {files: "-- a/x.jsonnet --\nimportstr '/etc/passwd'\n", want: "a/x.jsonnet:1: import \"/etc/passwd\": the path is absolute: write it relative to this file, or to a library"},
		"an import of a folder":            {files: "-- a/x.jsonnet --\nimport 'b'\n-- a/b/c --\n", want: "a/x.jsonnet:1: import \"b\": a/b is no file"},
		"a variable that nobody sets":      {files: "-- a/x.jsonnet --\nstd.extVar('v')\n", want: "a/x.jsonnet:1: Undefined external variable: v"},
		"a library out of the repository":  {files: "-- a/x.jsonnet --\nnull\n", build: gitindex.JsonnetBuild{Libraries: []string{"../x"}}, want: "the library ../x is outside of the repository: name a folder relative to its root"},
		"a number":                         {files: "-- a/x.jsonnet --\n1\n", want: none},
		"text":                             {files: "-- a/x.jsonnet --\n'secret'\n", want: none},
		"a map of objects":                 {files: "-- a/x.jsonnet --\n{a: {apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'x'}}}\n", want: none},
		"a list of lists":                  {files: "-- a/x.jsonnet --\n[[]]\n", want: none},
		"an object without a name":         {files: "-- a/x.jsonnet --\n{apiVersion: 'v1', kind: 'Namespace', metadata: {}}\n", want: "a/x.jsonnet: the object has no metadata.name: give it one"},
		"a function that asks for a value": {files: "-- a/x.jsonnet --\nfunction(name) null\n", want: "a/x.jsonnet: Missing argument: name"},
	} {
		t.Run(name, func(t *testing.T) {
			at := gitindex.Location{Path: "a", Render: gitindex.Jsonnet, Build: gitindex.Build{Jsonnet: &test.build}}
			if got := mustFail(t, tree(test.files), at); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestInputsAreWhatAProgramImported(t *testing.T) {
	const files = "-- a/x.jsonnet --\nimport 'l.libsonnet'\n-- lib/l.libsonnet --\nnull\n-- lib/m.libsonnet --\nnull\n"
	for name, test := range map[string]struct {
		change  string
		changed bool
	}{
		"another library":              {"-- lib/m.libsonnet --\n1\n", false},
		"the library":                  {"-- lib/l.libsonnet --\n1\n", true},
		"a file that is found earlier": {"-- a/l.libsonnet --\nnull\n", true},
		"another program":              {"-- a/y.jsonnet --\nnull\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			at := gitindex.Location{Path: "a", Render: gitindex.Jsonnet, Build: gitindex.Build{Jsonnet: &gitindex.JsonnetBuild{Libraries: []string{"lib"}}}}
			_, inputs, err := renderer.Render(context.Background(), tree(files), at)
			if err != nil {
				t.Fatal(err)
			}
			if got := !inputs.Unchanged(tree(files + test.change)); got != test.changed {
				t.Errorf("changed: %t, want %t", got, test.changed)
			}
		})
	}
}
