package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// TestFieldsThatDifferFromOneRenderingToTheNextAreUndetermined has one object
// in a table row.
func TestFieldsThatDifferFromOneRenderingToTheNextAreUndetermined(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  same: a\n"
	for name, test := range map[string]struct {
		template string
		want     []string
	}{
		"nothing made up":       {config, nil},
		"random text":           {config + "  b: {{ randAlphaNum 20 }}", []string{"data.b"}},
		"one random letter":     {config + "  b: {{ randAlpha 1 | lower }}", []string{"data.b"}},
		"one random digit":      {config + "  b: '{{ randNumeric 1 }}'", []string{"data.b"}},
		"random bytes":          {config + "  b: {{ randBytes 1 }}", []string{"data.b"}},
		"random characters":     {config + "  b: {{ randAscii 9 | b64enc }}", []string{"data.b"}},
		"one of two numbers":    {config + "  b: '{{ randInt 0 2 }}'", []string{"data.b"}},
		"the only number":       {config + "  b: '{{ randInt 4 5 }}'", nil},
		"a UUID":                {config + "  b: {{ uuidv4 }}", []string{"data.b"}},
		"letters in any order":  {config + "  b: {{ shuffle \"abc\" }}", []string{"data.b"}},
		"a hashed password":     {config + "  b: {{ htpasswd \"me\" \"x\" }}", []string{"data.b"}},
		"a certificate":         {config + "  {{- $ca := genCA \"x\" 365 }}\n  b: {{ $ca.Cert | b64enc }}\n  k: {{ $ca.Key | b64enc }}", []string{"data.b", "data.k"}},
		"a derived password":    {config + "  b: {{ derivePassword 1 \"long\" \"secret\" \"me\" \"example.com\" }}", nil},
		"the year":              {config + "  b: '{{ now | date \"2006\" }}'", []string{"data.b"}},
		"the month":             {config + "  b: '{{ date \"01\" nil }}'", []string{"data.b"}},
		"the day":               {config + "  b: '{{ now | htmlDate }}'", []string{"data.b"}},
		"the time of day":       {config + "  b: '{{ dateInZone \"15\" now \"UTC\" }} {{ now.Minute }} {{ now.Second }}'", []string{"data.b"}},
		"how long ago it is":    {config + "  b: '{{ ago (toDate \"2006-01-02\" \"2020-01-01\") }}'", []string{"data.b"}},
		"a fixed date":          {config + "  b: '{{ toDate \"2006-01-02\" \"2020-01-01\" | date \"02.01.2006\" }}'", nil},
		"a whole map":           {config + "  {{ randAlpha 3 }}: a", []string{"data.aBa", "data.bCb"}},
		"a value of a template": {config + "  b: {{ tpl \"{{ randAlpha 3 }}\" . }}", []string{"data.b"}},
		"values that one template changes for the next": {
			config + "  b: {{ $_ := set .Values \"x\" (printf \"%sy\" (.Values.x | default \"z\")) }}{{ .Values.x }}", nil,
		},
		"a key in a map of labels": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels: {example.com/random: {{ randAlpha 3 }}}",
			[]string{"metadata.labels[example.com/random]"},
		},
		"items of lists, by their keys": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: web\n    args: [a, {{ randAlpha 3 }}]\n    ports: [{containerPort: 80, name: {{ randAlpha 3 }}}]\n    env:\n    - {name: A, value: a}\n    - {name: B, value: {{ randAlpha 3 }}}",
			[]string{"spec.containers[name=web].args[1]", "spec.containers[name=web].env[name=B].value", "spec.containers[name=web].ports[containerPort=80].name"},
		},
		"a list of another length": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: web\n    args: [a{{ if eq (randInt 0 2) 1 }}, b{{ end }}]",
			[]string{"spec.containers[name=web].args"},
		},
		"a list whose keys are made up": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: web\n    env: [{name: {{ randAlpha 3 }}, value: a}]",
			[]string{"spec.containers[name=web].env"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := renderTree(tree(chartYAML+"-- app/templates/a.yaml --\n"+test.template+"\n"), gitindex.Location{Path: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if len(declared) != 1 {
				t.Fatalf("%d objects", len(declared))
			}
			if diff := cmp.Diff(test.want, declared[0].Undetermined); diff != "" {
				t.Errorf("%s (-want +got):\n%s", declared[0].Manifest.JSON(), diff)
			}
		})
	}
}

func TestObjectsThatNobodyCanNameAreLeftOut(t *testing.T) {
	const object = "\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n---"
	var template string
	for _, name := range []string{"fixed", "job-{{ randAlpha 5 | lower }}", "at-{{ now | date \"20060102\" }}"} {
		template += strings.ReplaceAll(object, "NAME", name)
	}
	template += "{{ if eq (randInt 0 2) 0 }}" + strings.ReplaceAll(object, "NAME", "sometimes") + "{{ end }}" +
		"{{ if eq (randInt 0 2) 1 }}" + strings.ReplaceAll(object, "NAME", "at-other-times") + "{{ end }}"
	declared, err := renderTree(tree(chartYAML+"-- app/templates/a.yaml --\n"+template+"\n"), gitindex.Location{Path: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if got := namesOf(declared); got != "fixed" {
		t.Errorf("got %s, want fixed", got)
	}
}

func TestAChartThatMakesNothingUpIsTheSameEachTime(t *testing.T) {
	files := tree(chartYAML + "-- app/templates/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ .Values | toJson | quote }}, r: {{ randAlpha 9 }}}\n")
	first, err := renderTree(files, gitindex.Location{Path: "app"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := renderTree(files, gitindex.Location{Path: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first[0].Manifest.JSON(), again[0].Manifest.JSON()) {
		t.Errorf("first %s\nthen  %s", first[0].Manifest.JSON(), again[0].Manifest.JSON())
	}
}
