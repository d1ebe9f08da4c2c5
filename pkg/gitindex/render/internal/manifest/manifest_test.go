package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	k8syaml "sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

func TestTheFaultIsOnTheLineWhereReadingFails(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"an indentation in between":           {"a: 1\nb:\n  c: 1\n d: 2\n", "f:4: invalid YAML: did not find expected key"},
		"an indentation in between, deeper":   {"x:\n  y:\n    z: 1\n   w: 2\n", "f:4: invalid YAML: did not find expected key"},
		"an indentation too deep":             {"a: 1\nb:\n  c: 1\n   d: 2\n", "f:4: invalid YAML: mapping values are not allowed in this context"},
		"a list that is never closed":         {"a: 1\nb: [1, 2\nc: 3\nd: 4\n", "f:2: invalid YAML: did not find expected ',' or ']'"},
		"a map that is never closed":          {"a: 1\nb: {x: 1\n", "f:2: invalid YAML: did not find expected ',' or '}'"},
		"a quote that is never closed":        {"a: 1\nb: \"x\n\nc: 3\n", "f:2: invalid YAML: found unexpected end of stream"},
		"two colons":                          {"a: 1\nb: x: y\n", "f:2: invalid YAML: mapping values are not allowed in this context"},
		"a tab":                               {"a: 1\nb:\n\tc: 1\n", "f:3: invalid YAML: found character that cannot start any token"},
		"an item among fields":                {"a: 1\nb: 2\n- c\n", "f:3: invalid YAML: did not find expected key"},
		"a word alone":                        {"a: 1\nfoo\nb: 1\n", "f:2: invalid YAML: could not find expected ':'"},
		"an apostrophe":                       {"a: 1\nb: 'it's'\nc: 2\n", "f:2: invalid YAML: did not find expected key"},
		"an escape that is none":              {"a: 1\nb: \"\\q\"\nc: 2\n", "f:2: invalid YAML: found unknown escape character"},
		"a block that is not indented enough": {"a: 1\nb: |\n  x\n y\nc: 2\n", "f:4: invalid YAML: did not find expected key"},
		"a reserved character":                {"a: 1\nb: @x\n", "f:2: invalid YAML: found character that cannot start any token"},
		"the same in the third document":      {"a: 1\n---\nb: 1\n---\na: 1\nb: @x\n", "f:6: invalid YAML: found character that cannot start any token"},
		"an alias of nothing":                 {"a: 1\nb: [*a]\n", "f:2: invalid YAML: a value begins with *, which names an anchor that isn't there: quote it"},
		"a key twice, deep down":              {"a:\n- b: {c: 1, d: 2, c: 3}\n", `f:2: invalid YAML: key "c" stands here and on line 2`},
		"a list as a key":                     {"? [a]\n: b\n", "f:1: invalid YAML: a key is a map or a list; a template has to be rendered first"},
		"an alias in the anchor":              {"a: &x {b: *x}\n", "f:1: invalid YAML: an anchor holds an alias of itself"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Documents("f", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestAliasesMayBeUsedWithinReason(t *testing.T) {
	var b strings.Builder
	b.WriteString("shared: &s {a: 1, b: [1, 2, 3]}\nuses:\n")
	for range 2000 {
		b.WriteString("- *s\n")
	}
	if _, err := manifest.Documents("f", []byte(b.String())); err != nil {
		t.Error(err)
	}
}

// FuzzDocuments compares what it reads with kubectl's library, wherever both
// can read it.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n", "a: &x {b: c}\nd: *x\n", "---\n- 1\n---\nkind: List\nitems: []\n", "{\"a\": [1, 2.5, null, true]}", "a: |\n  b\n  c\n",
		"on: off\nyes: [y, n, 0o17, 0x1f, 1e3, 2024-01-01, ~]\n", "<<: {a: 1}\nb: 2\n", "%YAML 1.1\n---\na: 1\n...\n", "a: !!binary aGk=\n", "\ufeffa: 1\r\nb: 2\r\n",
		"? a\n: b\n", "a: 'x\n\n  y'\n", "--- # c\na: b\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		documents, err := manifest.Documents("f.yaml", data)
		if err != nil {
			var fault *gitindex.RenderError
			if !errors.As(err, &fault) || fault.Line < 1 || fault.Line > lines(data) {
				t.Errorf("the fault is not at a line of the file: %v", err)
			}
			return
		}
		for _, d := range documents {
			objects, err := d.Objects()
			if err != nil || len(documents) > 1 || len(objects) != 1 || bytes.Contains(data, []byte("List")) {
				continue
			}
			want, err := k8syaml.YAMLToJSON(data)
			if err != nil {
				continue
			}
			if got, err := json.Marshal(objects[0].Fields); err != nil || !bytes.Equal(got, want) {
				t.Errorf("\n got %s %v\nwant %s", got, err, want)
			}
		}
	})
}

// lines counts as YAML does, which knows more line ends than others.
func lines(data []byte) int {
	n := 1
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += bytes.Count(data, []byte(end))
	}
	return n
}
