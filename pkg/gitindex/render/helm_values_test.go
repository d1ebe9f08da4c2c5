package render_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestValuesComeFromFilesInOrderThenFromTheBuild(t *testing.T) {
	files := tree(chartYAML + showing + "{{ .Values | toJson | quote }}\n" + "-- app/values.yaml --\na: {own: 1}\n" +
		"-- app/one.yaml --\nfrom: one\na: {one: 1}\n-- app/two.yaml --\nfrom: two\n---\nmore: documents\n" +
		"-- app/env/x.yaml --\nfrom: x\n-- app/env/deep/y.yaml --\nfrom: deep\n-- env/root.yaml --\nfrom: root\n-- $values/far.yaml --\nfrom: far\n-- app/text.txt --\na, b=c\n")
	for name, test := range map[string]struct {
		build gitindex.HelmBuild
		want  string
	}{
		"the chart's own alone": {gitindex.HelmBuild{}, `{"a":{"own":1}}`},
		"files, merged into it, the last one wins": {
			gitindex.HelmBuild{ValueFiles: []string{"one.yaml", "two.yaml"}},
			`{"a":{"one":1,"own":1},"from":"two","more":"documents"}`,
		},
		"a file of the repository's root":  {gitindex.HelmBuild{ValueFiles: []string{"/env/root.yaml"}}, `{"a":{"own":1},"from":"root"}`},
		"a file beside the chart":          {gitindex.HelmBuild{ValueFiles: []string{"../env/root.yaml"}}, `{"a":{"own":1},"from":"root"}`},
		"a file of another repository":     {gitindex.HelmBuild{ValueFiles: []string{"$values/far.yaml"}}, `{"a":{"own":1},"from":"far"}`},
		"no file that isn't there":         {gitindex.HelmBuild{ValueFiles: []string{"three.yaml", "two.yaml"}, SkipMissingValueFiles: true}, `{"a":{"own":1},"from":"two","more":"documents"}`},
		"what a pattern matches, sorted":   {gitindex.HelmBuild{ValueFiles: []string{"env/*.yaml"}}, `{"a":{"own":1},"from":"x"}`},
		"what a deep pattern matches":      {gitindex.HelmBuild{ValueFiles: []string{"env/**/y.yaml"}}, `{"a":{"own":1},"from":"deep"}`},
		"a pattern, around a named file":   {gitindex.HelmBuild{ValueFiles: []string{"[ot]*.yaml", "one.yaml"}}, `{"a":{"one":1,"own":1},"from":"one","more":"documents"}`},
		"nothing that no pattern matches":  {gitindex.HelmBuild{ValueFiles: []string{"none/*.yaml"}, SkipMissingValueFiles: true}, `{"a":{"own":1}}`},
		"values after the files":           {gitindex.HelmBuild{ValueFiles: []string{"two.yaml"}, Values: "from: values\nmore: null\n"}, `{"a":{"own":1},"from":"values","more":null}`},
		"single values after those":        {gitindex.HelmBuild{Values: "from: values", Set: []gitindex.SetValue{{Name: "from", Value: "7"}, {Name: "l[1].x", Value: "true"}}}, `{"a":{"own":1},"from":7,"l":[null,{"x":true}]}`},
		"text, whatever it looks like":     {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "from", Value: "7", Text: true}}}, `{"a":{"own":1},"from":"7"}`},
		"commas in a value":                {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "from", Value: `a,b\,c=d`}}}, `{"a":{"own":1},"from":"a,b,c=d"}`},
		"a list in a value":                {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "from", Value: "{a,b}"}}}, `{"a":{"own":1},"from":["a","b"]}`},
		"a value that takes one away":      {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "a", Value: "null"}}}, `{}`},
		"a file as one value":              {gitindex.HelmBuild{SetFile: []gitindex.SetValue{{Name: "from", Value: "text.txt"}}}, `{"a":{"own":1},"from":"a, b=c\n"}`},
		"a file of the root as one value":  {gitindex.HelmBuild{SetFile: []gitindex.SetValue{{Name: "from", Value: "/app/text.txt"}}}, `{"a":{"own":1},"from":"a, b=c\n"}`},
		"a name that has dots in it":       {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: `x.y\.z`, Value: "1"}}}, `{"a":{"own":1},"x":{"y.z":1}}`},
		"text that a value would override": {gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "from", Value: "1", Text: true}, {Name: "from", Value: "2"}}}, `{"a":{"own":1},"from":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(t, files, helmAt(test.build)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

const schema = `-- app/values.schema.json --
{"properties": {"size": {"type": "integer"}, "key": {"pattern": "^[a-z]+$"}, "far": {"$ref": "https://example.com/x.json"}}, "required": ["size"]}
`

func TestFaultsInChartsAreNamedWithTheirPlace(t *testing.T) {
	const template = "-- app/templates/a.yaml --\n"
	for name, test := range map[string]struct {
		files string
		build gitindex.HelmBuild
		want  string
	}{
		"a value that is not there": {
			files: chartYAML + template + "x: 1\ny: {{ .Values.a.b.c }}\n",
			want:  "app/templates/a.yaml:2: <.Values.a.b.c>: nil pointer evaluating interface {}.b",
		},
		"the same in a helper": {
			files: chartYAML + "-- app/templates/_h.tpl --\n{{ define \"h\" }}\n{{ .Values.a.b.c }}\n{{ end }}\n" + template + "y: {{ include \"h\" . }}\n",
			want:  "app/templates/_h.tpl:2: <.Values.a.b.c>: nil pointer evaluating interface {}.b",
		},
		"the same in a chart below": {
			files: chartYAML + "-- app/charts/s/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n-- app/charts/s/templates/x.yaml --\n{{ .Values.a.b.c }}\n",
			want:  "app/charts/s/templates/x.yaml:1: <.Values.a.b.c>: nil pointer evaluating interface {}.b",
		},
		"what the chart itself refuses": {
			files: chartYAML + template + "x: 1\n{{ fail \"set a password\" }}\n",
			want:  "app/templates/a.yaml:2: set a password",
		},
		"a value that the chart requires": {
			files: chartYAML + template + "{{ required \"host is required\" .Values.host }}\n",
			want:  "app/templates/a.yaml:1: host is required",
		},
		"a template that doesn't parse": {
			files: chartYAML + template + "x: 1\ny: {{ if }}\n",
			want:  "app/templates/a.yaml:2: missing value for if",
		},
		"a function that Helm doesn't have": {
			files: chartYAML + template + "{{ env \"HOME\" }}\n",
			want:  `app/templates/a.yaml:1: function "env" not defined`,
		},
		"a helper that isn't there": {
			files: chartYAML + template + "{{ include \"nope\" . }}\n",
			want:  `app/templates/a.yaml:1: <include "nope" .>: error calling include: template: no template "nope" associated with template "gotpl"`,
		},
		"a template that makes no object": {
			files: chartYAML + template + "apiVersion: v1\nmetadata: {name: a}\n",
			want:  "app/templates/a.yaml: document 1 of what it comes to is no Kubernetes object: it has no kind",
		},
		"a template that makes bad YAML in its second document": {
			files: chartYAML + template + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\na:\n\t- b\n",
			want:  "app/templates/a.yaml: in document 2 of what it comes to, line 2: invalid YAML: found character that cannot start any token",
		},
		"an object without a name": {
			files: chartYAML + template + "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
			want:  "app/templates/a.yaml: the object has no metadata.name: give it one",
		},
		"an object twice": {
			files: chartYAML + template + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n-- app/templates/b.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
			want:  "app/templates/b.yaml: Namespace a is declared here and in app/templates/a.yaml: remove one of them",
		},
		"a dependency that is missing": {
			files: chartYAML + "dependencies:\n- {name: redis, version: 1.x, repository: 'https://charts.example.com'}\n",
			want:  "app/Chart.yaml: the dependency redis is not in charts/, and nothing is fetched: commit what helm dependency update puts there",
		},
		"a dependency that is missing in the repository": {
			files: chartYAML + "dependencies:\n- {name: redis, version: 1.x, repository: 'file://../redis'}\n",
			want:  "redis: it can't be read: file does not exist",
		},
		"an archive that is none": {
			files: chartYAML + "-- app/charts/sub.tgz --\nnot packed\n",
			want:  "app/charts/sub.tgz: the archive can't be read: gzip: invalid header",
		},
		"a folder in charts that is no chart": {
			files: chartYAML + "-- app/charts/sub/readme.md --\nhello\n",
			want:  "app/charts/sub/Chart.yaml: Chart.yaml file is missing",
		},
		"a library": {
			files: chartYAML + "type: library\n",
			want:  "app/Chart.yaml: the chart is a library, which nothing is rendered of: name a chart that uses it",
		},
		"a chart without a version": {
			files: "-- app/Chart.yaml --\napiVersion: v2\nname: web\n",
			want:  "app/Chart.yaml: validation: chart.metadata.version is required",
		},
		"another Kubernetes than the chart wants": {
			files: chartYAML + "kubeVersion: '>=1.30'\n", build: gitindex.HelmBuild{KubeVersion: "v1.29.6"},
			want: "app/Chart.yaml: the chart wants Kubernetes >=1.30, and is rendered for v1.29.6",
		},
		"bad YAML in Chart.yaml": {
			files: "-- app/Chart.yaml --\nname: web\nversion: [1\n",
			want:  "app/Chart.yaml:2: invalid YAML: did not find expected ',' or ']'",
		},
		"bad YAML in values.yaml": {
			files: chartYAML + "-- app/values.yaml --\na: 1\nb: x: y\n",
			want:  "app/values.yaml:2: invalid YAML: mapping values are not allowed in this context",
		},
		"bad YAML in a value file": {
			files: chartYAML + "-- app/v.yaml --\na: 1\nb: x: y\n", build: gitindex.HelmBuild{ValueFiles: []string{"v.yaml"}},
			want: "app/v.yaml:2: invalid YAML: mapping values are not allowed in this context",
		},
		"a value file that is no map": {
			files: chartYAML + "-- app/v.yaml --\n- secret\n", build: gitindex.HelmBuild{ValueFiles: []string{"v.yaml"}},
			want: "app/v.yaml: the values have to be a map",
		},
		"bad YAML in the build's values": {
			files: chartYAML, build: gitindex.HelmBuild{Values: "a: [secret"},
			want: "the values of the source: invalid YAML: did not find expected ',' or ']'",
		},
		"a value file that does not exist": {
			files: chartYAML, build: gitindex.HelmBuild{ValueFiles: []string{"../env/prod.yaml"}},
			want: "the value file ../env/prod.yaml does not exist (env/prod.yaml): correct the path in the source, or add it",
		},
		"a pattern that matches nothing": {
			files: chartYAML, build: gitindex.HelmBuild{ValueFiles: []string{"env/*.yaml"}},
			want: "no value file matches env/*.yaml (app/env/*.yaml): correct the pattern in the source, or add one",
		},
		"a value file that is a folder": {
			files: chartYAML, build: gitindex.HelmBuild{ValueFiles: []string{"../app"}},
			want: "the value file ../app is a folder (app): name a file",
		},
		"a value file out of the repository": {
			files: chartYAML, build: gitindex.HelmBuild{ValueFiles: []string{"../../x.yaml"}, SkipMissingValueFiles: true},
			want: "the value file ../../x.yaml: the path leads out of the repository",
		},
		"a value file that would be fetched": {
			files: chartYAML, build: gitindex.HelmBuild{ValueFiles: []string{"https://me:hunter2@example.com/v.yaml?token=hunter2"}},
			want: "the value file https://example.com/v.yaml is not fetched: commit it, and name its path",
		},
		"a value that can't be set": {
			files: chartYAML, build: gitindex.HelmBuild{Set: []gitindex.SetValue{{Name: "a[99999999]", Value: "secret"}}},
			want: "a[99999999] can't be set: correct its path or its value, as helm template --set takes them",
		},
		"values that don't fit the schema, without showing them": {
			files: chartYAML + schema, build: gitindex.HelmBuild{Values: "size: secret\nkey: SECRET\nfar: any"},
			want: "the values don't fit the schema of the chart web: key: not allowed; size: got string, want integer",
		},
		"a value that the schema requires": {
			files: chartYAML + schema,
			want:  "the values don't fit the schema of the chart web: the whole: missing property 'size'",
		},
		"a schema that is no JSON": {
			files: chartYAML + "-- app/values.schema.json --\n{\n",
			want:  "the values don't fit the schema of the chart web: the schema is no JSON",
		},
		"a schema of another kind of thing": {
			files: chartYAML + "-- app/values.schema.json --\n{\"type\": 7}\n",
			want:  "the values don't fit the schema of the chart web: the schema can't be read",
		},
		"a pattern in .helmignore that Helm doesn't know": {
			files: chartYAML + "-- app/.helmignore --\na/**/b\n",
			want:  "app/.helmignore: double-star (**) syntax is not supported",
		},
		"a template in a value, without showing it": {
			files: chartYAML + template + "{{ tpl .Values.a . }}\n", build: gitindex.HelmBuild{Values: `a: "secret {{ nope }}"`},
			want: `app/templates/a.yaml:1: <tpl .Values.a .>: error calling tpl: cannot parse template a template in a value: template: gotpl:1: function "nope" not defined`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustFail(t, tree(test.files), helmAt(test.build)); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}
