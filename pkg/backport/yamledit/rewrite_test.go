package yamledit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/backport/yamledit"
)

const deployment = `# the web
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
  labels: {app: web, "tier": 'front'}
spec:
  # as many as are needed
  replicas: 1   # for now
  template:
    spec:
      containers:
      - name: web
        image: "web:1.0"
        args: [serve, --port=80]
        env:
        # first
        - name: A
          value: 'a'

        - {name: B, value: b}
      - name: proxy
        command:
        - sh
        - |
          echo one
          echo two
`

func TestOnlyThePlacesThatDifferAreChanged(t *testing.T) {
	container := func(doc map[string]any, i int) map[string]any {
		spec := doc["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		return spec["containers"].([]any)[i].(map[string]any)
	}
	for name, c := range map[string]struct {
		change   func(doc map[string]any)
		old, new string // a part of the text, and what becomes of it
	}{
		"a number":        {func(d map[string]any) { d["spec"].(map[string]any)["replicas"] = int64(5) }, "replicas: 1   # for", "replicas: 5   # for"},
		"text, in quotes": {func(d map[string]any) { container(d, 0)["image"] = "web:1.1" }, `"web:1.0"`, `"web:1.1"`},
		"text that needs quotes": {func(d map[string]any) { d["metadata"].(map[string]any)["name"] = "on" },
			"name: web # its", `name: "on" # its`},
		"text in brackets": {func(d map[string]any) { d["metadata"].(map[string]any)["labels"].(map[string]any)["app"] = "a, b" },
			"{app: web,", "{app: 'a, b',"},
		"a member in brackets": {func(d map[string]any) { d["metadata"].(map[string]any)["labels"].(map[string]any)["x"] = "1" },
			`'front'}`, `'front', x: "1"}`},
		"a member in brackets that goes": {func(d map[string]any) { delete(d["metadata"].(map[string]any)["labels"].(map[string]any), "tier") },
			`{app: web, "tier": 'front'}`, `{app: web}`},
		"the first member in brackets that goes": {func(d map[string]any) { delete(d["metadata"].(map[string]any)["labels"].(map[string]any), "app") },
			`{app: web, "tier": 'front'}`, `{"tier": 'front'}`},
		"an item in brackets": {func(d map[string]any) { container(d, 0)["args"] = []any{"serve", "--port=80", "--debug"} },
			"--port=80]", "--port=80, --debug]"},
		"an item in brackets that goes": {func(d map[string]any) { container(d, 0)["args"] = []any{"--port=80"} }, "[serve, --port=80]", "[--port=80]"},
		"an empty list":                 {func(d map[string]any) { container(d, 0)["args"] = []any{} }, "[serve, --port=80]", "[]"},
		"a member, behind those of one line": {func(d map[string]any) { d["spec"].(map[string]any)["paused"] = true },
			"replicas: 1   # for now\n", "replicas: 1   # for now\n  paused: true\n"},
		"a map, behind all": {func(d map[string]any) {
			d["spec"].(map[string]any)["strategy"] = map[string]any{"type": "Recreate"}
		}, "echo two\n", "echo two\n  strategy:\n    type: Recreate\n"},
		"a list, behind all": {func(d map[string]any) {
			container(d, 1)["args"] = []any{"x", map[string]any{"b": nil, "a": "y\nz\n"}}
		}, "echo two\n", "echo two\n        args:\n        - x\n        - a: |\n            y\n            z\n          b: null\n"},
		"a member of one line before maps": {func(d map[string]any) { container(d, 1)["tty"] = true },
			"name: proxy\n", "name: proxy\n        tty: true\n"},
		"a member that goes": {func(d map[string]any) { delete(d["spec"].(map[string]any), "replicas") }, "  replicas: 1   # for now\n", ""},
		"the first member behind a dash goes": {func(d map[string]any) { delete(container(d, 1), "name") },
			"- name: proxy\n        command", "- command"},
		"a whole map goes": {func(d map[string]any) { delete(d, "metadata") },
			"metadata:\n  name: web # its name\n  labels: {app: web, \"tier\": 'front'}\n", ""},
		"an item that goes, with what belongs to it": {func(d map[string]any) { container(d, 0)["env"] = container(d, 0)["env"].([]any)[1:] },
			"        - name: A\n          value: 'a'\n", ""},
		"an item of a list": {func(d map[string]any) {
			container(d, 0)["env"] = append(container(d, 0)["env"].([]any), map[string]any{"value": "c", "name": "C"})
		}, "{name: B, value: b}\n", "{name: B, value: b}\n        - name: C\n          value: c\n"},
		"an item before others": {func(d map[string]any) {
			container(d, 0)["env"] = append([]any{map[string]any{"name": "C"}}, container(d, 0)["env"].([]any)...)
		}, "        - name: A\n", "        - name: C\n        - name: A\n"},
		"text of several lines": {func(d map[string]any) { container(d, 1)["command"] = []any{"sh", "echo one\necho 2\n"} }, "echo two", "echo 2"},
		"text of several lines, without the last line's end": {func(d map[string]any) { container(d, 1)["command"] = []any{"sh", "echo one"} },
			"|\n          echo one\n          echo two\n", "|-\n          echo one\n"},
		"text instead of a list": {func(d map[string]any) { container(d, 1)["command"] = "sh" },
			"command:\n        - sh\n        - |\n          echo one\n          echo two\n", "command: sh\n"},
		"a list instead of text": {func(d map[string]any) { container(d, 0)["image"] = []any{"a", "b"} },
			"image: \"web:1.0\"\n", "image:\n        - a\n        - b\n"},
		"a map instead of a number": {func(d map[string]any) { d["spec"].(map[string]any)["replicas"] = map[string]any{"a": int64(1)} },
			"replicas: 1   # for", "replicas:\n    a: 1   # for"},
		"nothing": {func(map[string]any) {}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, eol := range []string{"\n", "\r\n"} {
				lined := func(text string) string { return strings.ReplaceAll(text, "\n", eol) }
				text := []byte(lined(deployment + "---\nkind: Other\n"))
				docs, err := yamledit.Documents(text)
				if err != nil {
					t.Fatal(err)
				}
				c.change(docs[0].(map[string]any))
				got, err := yamledit.Rewrite(text, 0, docs[0])
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Replace(string(text), lined(c.old), lined(c.new), 1)
				if c.old != "" && !strings.Contains(string(text), lined(c.old)) {
					t.Fatalf("the text has no %q", c.old)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("lines end with %q (-want +got):\n%s", eol, diff)
				}
			}
		})
	}
}

func TestSmallDocumentsAreChangedInTheirForm(t *testing.T) {
	for name, c := range map[string]struct{ text, say, want string }{
		"JSON":                             {`{"a": {"b": 1}}`, "a: {b: 2, c: <x>}", `{"a": {"b": 2, "c": "<x>"}}`},
		"JSON on lines":                    {"{\n  \"a\": 1,\n  \"l\": [\n    \"x\"\n  ]\n}\n", "{a: 1, l: [x, z], b: y}", "{\n  \"a\": 1,\n  \"l\": [\n    \"x\",\n    \"z\"\n  ],\n  \"b\": \"y\"\n}\n"},
		"no end of the last line":          {"a: 1\nb:\n  c: 1", "{a: 1, b: {c: 1, d: 2}}", "a: 1\nb:\n  c: 1\n  d: 2"},
		"a null without text":              {"a:\nb: 1\n", "{a: 5, b: 1}", "a: 5\nb: 1\n"},
		"a map in the place of nothing":    {"a:\nb: 1\n", "{a: {x: 1}, b: 1}", "a:\n  x: 1\nb: 1\n"},
		"a null item":                      {"- a\n-\n", "[a, 1]", "- a\n- 1\n"},
		"indented lists":                   {"a:\n    - x: 1\nb: 2\n", "{a: [{x: 1}, {x: 2}], b: 2, c: [1]}", "a:\n    - x: 1\n    - x: 2\nb: 2\nc:\n  - 1\n"},
		"an alias":                         {"a: &x 1\nb: *x\n", "{a: 1, b: 2}", "a: &x 1\nb: 2\n"},
		"what has an anchor":               {"a: &x 1\nb: 2\n", "{a: 3, b: 2}", "a: &x 3\nb: 2\n"},
		"what has an alias that stays":     {"a: &x 1\nb: *x\n", "{a: 3, b: 1}", "a: &x 3\nb: 1\n"},
		"what is merged":                   {"x: &x {a: 1}\ny:\n  <<: *x\n  b: 1\n", "{x: {a: 1}, y: {a: 2, b: 1}}", "x: &x {a: 1}\ny:\n  <<: *x\n  b: 1\n  a: 2\n"},
		"all members of a map in brackets": {"a: {x: 1}\n", "{a: {z: 2}}", "a:\n  z: 2\n"},
		"all members of a map":             {"a:\n  x: 1\nb: 1\n", "{a: {z: 2}, b: 1}", "a:\n  z: 2\nb: 1\n"},
		"a tag":                            {"a: !!str 1\n", "{a: '2'}", "a: !!str \"2\"\n"},
		"a number that is text":            {"a: v1\n", "{a: '1.10'}", "a: \"1.10\"\n"},
		"wide letters":                     {"ä: {é: 1, ö: 2}\n", "{ä: {é: 1, ö: 3}}", "ä: {é: 1, ö: 3}\n"},
		"folded text":                      {"a: >-\n  one\n  two\nb: 1\n", "{a: three, b: 1}", "a: three\nb: 1\n"},
		"quotes in quotes":                 {"a: 'it''s'\nb: \"x\\\"y\"\n", "{a: it's ok, b: z}", "a: 'it''s ok'\nb: \"z\"\n"},
		"the last members go":              {"a: 1\nb:\n  c: 1\n  d: 1", "{a: 1, b: {c: 1}}", "a: 1\nb:\n  c: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var want any
			if err := yaml.Unmarshal([]byte(c.say), &want); err != nil {
				t.Fatal(err)
			}
			got, err := yamledit.Rewrite([]byte(c.text), 0, want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeChangedInPlaceIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ text, say, want string }{
		"text over several lines":          {"a: one\n  two\n", "{a: three}", "it is written in a form that can't be edited"},
		"what is merged and has to go":     {"x: &x {a: 1}\ny: {<<: *x, b: 1}\n", "{x: {a: 1}, y: {b: 1}}", "it is written in a form that can't be edited"},
		"another document that is no YAML": {"a: 1\n---\n{{", "{a: 2}", "yaml: line 3: did not find expected node content"},
	} {
		t.Run(name, func(t *testing.T) {
			var want any
			if err := yaml.Unmarshal([]byte(c.say), &want); err != nil {
				t.Fatal(err)
			}
			got, err := yamledit.Rewrite([]byte(c.text), 0, want)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(deployment, "spec: {replicas: 5}")
	f.Add("a: {b: [1, 2]}\n", "a: {b: [2], c: |\n  x\n  y\n}")
	f.Add("- a: &x 1\n  b: *x\n-\n", "[{b: 2}, x]")
	f.Fuzz(func(t *testing.T, text, say string) {
		wants, err := yamledit.Documents([]byte(say))
		if err != nil || len(wants) == 0 {
			return
		}
		got, err := yamledit.Rewrite([]byte(text), 0, wants[0])
		if err != nil {
			return
		}
		says, err := yamledit.Documents(got)
		if err != nil || fmt.Sprint(says[0]) != fmt.Sprint(wants[0]) {
			t.Errorf("%q becomes %q, which says %v instead of %v: %v", text, got, says, wants, err)
		}
	})
}
