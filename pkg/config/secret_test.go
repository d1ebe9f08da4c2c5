package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestSecretsAreReadAsTheServerKeepsThem(t *testing.T) {
	config, err := Load(files(map[string]string{"a.yaml": `apiVersion: v1
kind: Secret
metadata: {name: infra, namespace: gitonly-system}
type: kubernetes.io/basic-auth
immutable: true
data:
  username: cm9ib3Q=
  password: b2xk
  ca.crt: |
    LS0t
    LS0t
stringData: {password: hunter2}
`}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for key, value := range config.Secrets["infra"] {
		got[key] = string(value)
	}
	want := map[string]string{"username": "robot", "password": "hunter2", "ca.crt": "------"}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every file here holds the value hunter2 where a value may stand, and is
// wrong.
func TestNoErrorShowsASecretsValue(t *testing.T) {
	for _, test := range []struct{ name, file, secret, want string }{
		{"data that is not base64", "a.yaml", "data: {password: hunter2!}", "a.yaml:1: Secret infra: data[password]: must be text in base64"},
		{"data that is no text", "a.yaml", "data: {password: [hunter2]}", "a.yaml:1: Secret infra: data[password]: must be text in base64"},
		{"data that is no object", "a.yaml", "data: hunter2", "a.yaml:1: Secret infra: data: must be of type object"},
		{"stringData that is no text", "a.yaml", "stringData: {password: {hunter2: 1}}", "a.yaml:1: Secret infra: stringData[password]: must be of type string: put it in quotes"},
		{"stringData with a key that can't be", "a.yaml", "stringData: {pass word: hunter2}", "a.yaml:1: Secret infra: stringData[pass word]: must be a key of letters, digits, '-', '_' and '.'"},
		{"a type that is no text", "a.yaml", "type: [hunter2]", "a.yaml:1: Secret infra: type: must be of type string"},
		{"an unknown field", "a.yaml", "stringdata: {password: hunter2}", `a.yaml:1: Secret infra: unknown field "stringdata", did you mean "stringData"?`},
		{"a value that reads as an alias", "a.yaml", "stringData: {password: *hunter2}", "a.yaml:1: invalid YAML: unknown anchor …"},
		{"a value with a wrong tag", "a.yaml", "stringData: {password: !!int hunter2}", "a.yaml:1: invalid YAML: cannot decode !!str …"},
		{"a value that reads as a key", "a.yaml", "stringData: {? {hunter2: a} : b}", "a.yaml:1: invalid YAML: invalid map key: …"},
		{"a value that reads as a key, twice", "a.yaml", "stringData: {hunter2: a, hunter2: b}", "a.yaml:1: invalid YAML: line 4: key …"},
		{"a value with a colon", "a.yaml", "stringData:\n  password: hunter2: x", "a.yaml:1: invalid YAML: line 5: mapping values are not allowed in this context"},
		{"a source's kind beside it", "a.yaml", "stringData: {kind: GitSource, password: *hunter2}", "a.yaml:1: invalid YAML: unknown anchor …"},
		{"a Secret without a kind", "a.yaml", "", ""},
		{"JSON with a key written twice", "a.json", `{"kind": "Secret", "data": {"hunter2": "", "hunter2": ""}}`, "a.json:1: invalid JSON: duplicate field …"},
		{"JSON that ends early", "a.json", `{"kind": "Secret", "data": {"a": "hunter2`, "a.json:1: invalid JSON: unexpected EOF"},
		{"JSON without quotes", "a.json", `{"kind": "Secret", "data": {"a": hunter2}}`, "a.json:1: invalid JSON: line 1: invalid character …"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := test.secret
			switch {
			case test.secret == "":
				text, test.want = "metadata: {name: infra}\nstringData: {password: *hunter2}\n", "a.yaml:1: invalid YAML: unknown anchor …"
			case test.file == "a.yaml":
				text = "apiVersion: v1\nkind: Secret\nmetadata: {name: infra}\n" + test.secret + "\n"
			}
			_, err := Load(files(map[string]string{test.file: text}))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the message shows the value")
			}
		})
	}
}

func TestPrintingAConfigurationShowsNoSecret(t *testing.T) {
	config, err := Load(files(map[string]string{"a.yaml": goodSecret}))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(config), fmt.Sprintf("%+v", config), fmt.Sprintf("%#v", config), fmt.Sprintf("%x", config.Secrets), string(encoded)} {
		if !strings.Contains(text, "1 Secrets") {
			t.Errorf("got %s", text)
		}
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e746572") || strings.Contains(text, "0x68, 0x75") {
			t.Errorf("got %s", text)
		}
	}
}
