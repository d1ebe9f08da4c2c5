package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Objects that are right, for tests of what goes wrong beside them.
const (
	goodPolicy = `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {}
`
	goodSource = `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  git:
    url: https://git.example.com/infra.git
    secretRef: {name: infra}
    paths: [{path: apps}]
`
	goodSecret = `apiVersion: v1
kind: Secret
metadata: {name: infra}
stringData: {username: robot, password: hunter2}
`
)

func files(contents map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range contents {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{{
		name: "an unknown field, and names the one that was meant",
		files: map[string]string{"policies.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {mod: Enforce}
`},
		want: []string{`policies.yaml:1: GuardPolicy default: unknown field "spec.mod", did you mean "spec.mode"?`},
	}, {
		name: "an unknown field in another case than the known one",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec: {git: {url: "git@host:infra", secretref: {name: a}, paths: [{path: a, rendr: Plain}]}}
`},
		want: []string{
			`a.yaml:1: GitSource infra: unknown field "spec.git.paths[0].rendr", did you mean "spec.git.paths[0].render"?`,
			`a.yaml:1: GitSource infra: unknown field "spec.git.secretref", did you mean "spec.git.secretRef"?`,
		},
	}, {
		name: "an unknown field that is like no other",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default, lables: {a: b}}
spec: {}
breakfast: [eggs]
`},
		want: []string{
			`a.yaml:1: GuardPolicy default: unknown field "breakfast"`,
			`a.yaml:1: GuardPolicy default: unknown field "metadata.lables", did you mean "metadata.labels"?`,
		},
	}, {
		name: "other kinds, other versions, and what is no object at all",
		files: map[string]string{"a.yaml": `apiVersion: v1
kind: ConfigMap
---
apiVersion: gitonly.dev/v1
kind: GitSource
---
kind: GuardPolicy
---
metadata: {name: a}
---
- kind: GuardPolicy
`},
		want: []string{
			`a.yaml:1: kind "ConfigMap" of apiVersion "v1" is not read: only GitSource, GuardPolicy and Secret are`,
			`a.yaml:4: GitSource has apiVersion "gitonly.dev/v1": only gitonly.dev/v1alpha1 is read`,
			`a.yaml:7: GuardPolicy has no apiVersion: it is gitonly.dev/v1alpha1`,
			`a.yaml:9: has no kind`,
			`a.yaml:11: is not an object with apiVersion, kind and metadata`,
		},
	}, {
		name:  "a name that was read before, in the same file or in another",
		files: map[string]string{"a.yaml": goodPolicy + "---\n" + goodPolicy, "b.yml": goodSecret, "c.json": `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"infra"}}`},
		want: []string{
			`a.yaml:6: GuardPolicy default: is in a.yaml:1 already`,
			`c.json:1: Secret infra: is in b.yml:1 already`,
		},
	}, {
		name: "objects without a name, or with one that no object can have",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
spec: {}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {generateName: policy-}
spec: {}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: My Policy}
spec: {}
`},
		want: []string{
			`a.yaml:1: GuardPolicy: metadata.name: is required`,
			`a.yaml:5: GuardPolicy: metadata.name: is required`,
			`a.yaml:10: GuardPolicy My Policy: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
		},
	}, {
		name: "a namespace on kinds that belong to the whole cluster",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default, namespace: staging}
spec: {}
`},
		want: []string{`a.yaml:1: GuardPolicy default: metadata.namespace: not allowed on this type`},
	}, {
		name: "metadata of the wrong types",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: one, labels: {team: 1}}
spec: {}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: default
spec: {}
`},
		want: []string{
			`a.yaml:1: GuardPolicy one: metadata.labels: must be of type string, and is of type number: put it in quotes`,
			`a.yaml:6: GuardPolicy: metadata: must be of type object, and is of type string`,
			`a.yaml:6: GuardPolicy: metadata: must be of type object, and is of type string`,
		},
	}, {
		name: "a bare Off, which YAML reads as a boolean",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {mode: Off}
`},
		want: []string{`a.yaml:1: GuardPolicy default: spec.mode: must be of type string, and is of type boolean: put it in quotes`},
	}, {
		name: "values that the schema doesn't list, and what it requires and misses",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {mode: enforce, match: {resources: []}, agents: {subjects: [{name: ""}]}}
---
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: truncated}
`},
		want: []string{
			`a.yaml:1: GuardPolicy default: spec.agents.subjects[0].kind: is required`,
			`a.yaml:1: GuardPolicy default: spec.agents.subjects[0].name: must not be empty`,
			`a.yaml:1: GuardPolicy default: spec.match.resources: must not be empty`,
			`a.yaml:1: GuardPolicy default: spec.mode: "enforce" is not one of "Enforce", "Audit", "Off"`,
			`a.yaml:6: GitSource truncated: spec: is required`,
		},
	}, {
		name: "broken rules beside a broken schema, all at once",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec: {interval: 5, git: {url: "ftp://host/infra", secretRef: {}, paths: [{path: /apps}]}}
`},
		want: []string{
			`a.yaml:1: GitSource infra: spec.git.paths[0].path: must start at the repository's root, with no / in front`,
			`a.yaml:1: GitSource infra: spec.git.secretRef.name: is required`,
			`a.yaml:1: GitSource infra: spec.git.url: must be one of https://host/path, http://host/path, ssh://user@host/path, user@host:path and file:///path`,
			`a.yaml:1: GitSource infra: spec.interval: must be a duration with its unit, such as 1m: a bare number says nothing`,
		},
	}, {
		name: "the same path twice for one namespace, and names listed twice",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec: {git: {url: "git@host:infra", paths: [{path: a}, {path: a, namespace: ""}, {path: a, namespace: b}]}}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {match: {excludeNamespaces: [a, b, a]}}
`},
		want: []string{
			`a.yaml:1: GitSource infra: spec.git.paths[1]: is listed twice: {"namespace":"","path":"a"}`,
			`a.yaml:6: GuardPolicy default: spec.match.excludeNamespaces[2]: is listed twice: "a"`,
		},
	}, {
		name: "a selector of labels that no namespace can have",
		files: map[string]string{"a.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec: {match: {namespaceSelector: {matchLabels: {team: "-"}}}}
`},
		want: []string{`a.yaml:1: GuardPolicy default: spec.match.namespaceSelector: values[0][team]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`},
	}, {
		name:  "text that is no YAML, and keys that are written twice",
		files: map[string]string{"a.yaml": "# one\n---\nkind: GuardPolicy\nspec: {\n", "b.yaml": goodPolicy + "---\nkind: GuardPolicy\nkind: GuardPolicy\n", "c.yaml": "--- {kind: GuardPolicy}\n"},
		want: []string{
			`a.yaml:3: invalid YAML: line 4: did not find expected node content`,
			`b.yaml:6: invalid YAML: line 7: key "kind" already set in map`,
			`c.yaml:1: put what follows --- on a line of its own`,
		},
	}, {
		name:  "text that is no JSON, and keys that are written twice",
		files: map[string]string{"a.json": "{\n\t\"kind\": \"GuardPolicy\",\n\t\"spec\": {\"mode\": \"Audit\", \"mode\": \"Enforce\"}\n}\n\n{\"kind\": \"GuardPolicy\",\n}\n"},
		want: []string{
			`a.json:1: invalid JSON: duplicate field "spec.mode"`,
			`a.json:6: invalid JSON: line 7: invalid character '}' looking for beginning of object key string`,
		},
	}} {
		t.Run(test.name, func(t *testing.T) {
			config, err := Load(files(test.files))
			if err == nil {
				t.Fatalf("got no error, and %+v", config)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestLoadReadsTheRootOfTheDirectory(t *testing.T) {
	config, err := Load(files(map[string]string{
		"a.yaml":            "# a comment\n---\n\n---\n" + goodPolicy + "...\n--- # another\n" + goodSource + "---\n",
		"b.yml":             "\uFEFF" + strings.ReplaceAll(goodSecret, "\n", "\r\n"),
		"c.json":            "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"c\"}\n}",
		"empty.yaml":        "",
		".hidden.yaml":      "kind: Nonsense",
		"README.md":         "# Nonsense",
		"folder/other.yaml": "kind: Nonsense",
		"..data/a.yaml":     goodPolicy, // as a mounted ConfigMap has it
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Policies) != 1 || len(config.Sources) != 1 || len(config.Secrets) != 2 {
		t.Errorf("got %+v", config)
	}
	if got := string(config.Secrets["infra"]["password"]); got != "hunter2" {
		t.Errorf("got password %q", got)
	}
}

func TestStatusAndTheServersMetadataAreAcceptedAndLeftOut(t *testing.T) {
	config, err := Load(files(map[string]string{"exported.yaml": `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default, uid: 0b3c, resourceVersion: "12", generation: 3, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {}
status: {observedGeneration: 3}
`}))
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Policies[0].Status.ObservedGeneration; got != 0 {
		t.Errorf("got observedGeneration %d", got)
	}
}

func TestWarningsSayWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{{
		name: "everything, of an empty directory",
		want: []string{"there is no GuardPolicy: nothing is guarded", "there is no GitSource: nothing is declared in Git"},
	}, {
		name:  "the Secret that a source names",
		files: map[string]string{"a.yaml": goodPolicy + "---\n" + goodSource},
		want:  []string{"GitSource infra names Secret infra, which is not in the directory"},
	}, {
		name:  "the Secret with the keys of those who may sign",
		files: map[string]string{"a.yaml": goodPolicy + "---\n" + strings.Replace(goodSource, "secretRef:", "verify: {secretRef: {name: keys}}\n    secretRef:", 1) + "---\n" + goodSecret},
		want:  []string{"GitSource infra names Secret keys, which is not in the directory"},
	}, {
		name:  "nothing, of a whole configuration",
		files: map[string]string{"a.yaml": goodPolicy + "---\n" + goodSource + "---\n" + goodSecret},
	}} {
		t.Run(test.name, func(t *testing.T) {
			config, err := Load(files(test.files))
			if err != nil {
				t.Fatal(err)
			}
			if got := config.Warnings(); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLoadDirNamesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("kind: Nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	for dir, want := range map[string]string{
		missing: `configuration directory "` + missing + `" does not exist`,
		file:    `configuration directory "` + file + `" is not a directory`,
		dir:     "configuration directory \"" + dir + "\":\na.yaml:1: kind \"Nonsense\" of apiVersion \"\" is not read: only GitSource, GuardPolicy and Secret are",
	} {
		if _, err := LoadDir(dir); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	fsys := files(map[string]string{"a.yaml": goodPolicy + "---\n" + goodSource + "---\n" + goodSecret})
	for b.Loop() {
		if _, err := Load(fsys); err != nil {
			b.Fatal(err)
		}
	}
}
