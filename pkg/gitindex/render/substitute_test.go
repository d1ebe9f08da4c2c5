package render_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

const variables = `
-- web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {region: "${REGION}"}
  annotations: {host: "web.${DOMAIN}", first: "${DOMAIN:0:1}", long: "n${#DOMAIN}", set: "${DOMAIN:+yes}", default: "${DOMAIN:-none}"}
spec:
  replicas: ${COUNT}
  template:
    spec:
      containers:
      - name: web
        image: nginx:${REGION}
        ports: [{containerPort: "${PORT}", name: http}]
        env:
        - {name: PLAIN, value: "${REGION}"}
        - {name: PASSWORD, value: "${DOMAIN}"}
        args: ["a", "--host=${DOMAIN}"]
`

func substituted(secret ...string) *gitindex.Substitution {
	return &gitindex.Substitution{
		Values: map[string]string{"REGION": "eu", "COUNT": "3", "DOMAIN": "corp.example.com", "PORT": "8080"},
		Secret: secret,
		OptOut: "opt", Disable: "out",
	}
}

func TestWhatASecretsValueMakesIsHidden(t *testing.T) {
	for _, test := range []struct {
		secret []string
		want   []string
	}{
		{nil, nil},
		{[]string{"COUNT"}, []string{"spec.replicas"}},
		{[]string{"DOMAIN"}, []string{
			"metadata.annotations.default",
			"metadata.annotations.first",
			"metadata.annotations.host",
			"metadata.annotations.long",
			"metadata.annotations.set",
			"spec.template.spec.containers[name=web].args[1]",
			"spec.template.spec.containers[name=web].env[name=PASSWORD].value",
		}},
		// The port is what the list's items are told apart by.
		{[]string{"PORT"}, []string{"spec.template.spec.containers[name=web].ports"}},
		{[]string{"UNUSED"}, nil},
	} {
		declared, err := renderTree(tree(variables), gitindex.Location{Path: ".", Build: gitindex.Build{Substitute: substituted(test.secret...)}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, declared[0].Hidden); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.secret, diff)
		}
	}
}

func TestAFieldThatASecretsValueNamesIsHidden(t *testing.T) {
	declared, err := renderTree(tree("-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: x}\n${END}: y\n"),
		gitindex.Location{Path: ".", Build: gitindex.Build{Substitute: &gitindex.Substitution{
			Values: map[string]string{"END": "extra"}, Secret: []string{"END"},
		}}})
	if err != nil {
		t.Fatal(err)
	}
	// Of the placeholders' own renderings, too.
	if diff := cmp.Diff([]string{"Zx0WithheldFromEveryone", "extra", "q0placeholder"}, declared[0].Hidden); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnErrorOfASubstitutionHasNoValues(t *testing.T) {
	for _, test := range []struct {
		text string
		sub  gitindex.Substitution
		want string
	}{
		{"data: {key: \"${SECRET}\"}", gitindex.Substitution{Values: map[string]string{"SECRET": "hush: {hush"}, Secret: []string{"SECRET"}},
			"a.yaml:1: with its variables substituted, the object is no YAML any more: put those in quotes whose values are no plain words"},
		{"data: {key: \"${OTHER}\"}", gitindex.Substitution{Values: map[string]string{"SECRET": "hush"}, Strict: true},
			`a.yaml:1: substituting variables: variable not set (strict mode): "OTHER"`},
		{"data: {key: \"${OTHER\"}", gitindex.Substitution{Values: map[string]string{"SECRET": "hush"}},
			"a.yaml:1: substituting variables: missing closing brace"},
		{"data: {}", gitindex.Substitution{Values: map[string]string{"a b": "hush"}},
			`"a b" is no name of a variable to substitute: use letters, digits and underscores`},
	} {
		got := mustFail(t, tree("-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"+test.text+"\n"),
			gitindex.Location{Path: ".", Build: gitindex.Build{Substitute: &test.sub}})
		if got != test.want {
			t.Errorf("got %s\nwant %s", got, test.want)
		}
	}
}

func TestWhatValuesComeToIsBounded(t *testing.T) {
	files := tree("-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: \"" + strings.Repeat("${BIG}", 100) + "\"}\n")
	at := gitindex.Location{Path: ".", Build: gitindex.Build{Substitute: &gitindex.Substitution{Values: map[string]string{"BIG": strings.Repeat("x", 1000)}}}}
	_, _, err := render.New(render.Options{MaxBytes: 50_000}).Render(context.Background(), files, at)
	want := "a.yaml:1: the objects of this location are too large in all: split it into several"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if _, _, err := render.New(render.Options{MaxBytes: 200_000}).Render(context.Background(), files, at); err != nil {
		t.Error(err)
	}
}

func TestAnObjectMayOptOutOfSubstitution(t *testing.T) {
	files := tree(`
-- a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {opt: out}}
data: {key: "${REGION}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, annotations: {opt: "in"}}
data: {key: "${REGION}"}
`)
	declared, err := renderTree(files, gitindex.Location{Path: ".", Build: gitindex.Build{Substitute: substituted()}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"${REGION}", "eu"} {
		if got := decode(t, declared[i].Manifest.JSON())["data"].(map[string]any)["key"]; got != want {
			t.Errorf("%s has %v, want %s", declared[i].Key, got, want)
		}
	}
}
