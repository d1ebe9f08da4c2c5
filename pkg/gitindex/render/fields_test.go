package render

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// kustomizeFields decodes an object the way that Kustomize itself takes.
func kustomizeFields(t *testing.T, object *kyaml.RNode) (map[string]any, bool) {
	t.Helper()
	encoded, err := object.MarshalJSON()
	if err != nil {
		return nil, false
	}
	fields := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	return fields, true
}

var scalars = []string{
	"", " ", "a", "a b", " a", "a ", "a: b", "a #b", "#a", "- a", "-", "?", ": a", "{a}", "[a]", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a",
	"'", `"`, `a"b'c`, `\`, `\n`, "true", "True", "yes", "on", "null", "Null", "~", "0", "-0", "+1", "1", "-1", "12345678901234567890", "00", "0x10",
	"0o7", "010", "1_000", "1.0", "1e3", ".5", ".inf", "NaN", "2001-01-01", "2001-01-01T00:00:00Z", "12:30", "<<", "=", "---", "...", "--- a",
	"a\nb", "a\n", "\na", "a\n\nb\n\n", " a\nb", "a\tb", "\t", "ü", "\u2028", "\x00", "\xff", "\r", "a\r\nb", strings.Repeat("long text ", 30), strings.Repeat("x", 200),
}

func randomNode(r *rand.Rand, depth int) *yaml.Node {
	styles := []yaml.Style{0, 0, 0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle, yaml.FlowStyle, yaml.TaggedStyle}
	tags := []string{"", "", "", "!!str", "!!int", "!!bool", "!!null", "!!float", "!!binary", "!own"}
	scalar := func() *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: scalars[r.IntN(len(scalars))], Style: styles[r.IntN(len(styles))], Tag: tags[r.IntN(len(tags))]}
	}
	text := func() *yaml.Node {
		node := scalar()
		node.Tag = []string{"", "!!str"}[r.IntN(2)]
		return node
	}
	switch kind := r.IntN(10); {
	case depth == 0 || kind < 4 && depth < 3:
		node := text()
		if r.IntN(2) == 0 {
			node = scalar()
		}
		if r.IntN(20) == 0 {
			node.LineComment = "# a comment"
		}
		return node
	case kind < 6 && depth < 3:
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: []yaml.Style{0, yaml.FlowStyle}[r.IntN(2)], Tag: "!!seq"}
		for range r.IntN(3) {
			node.Content = append(node.Content, randomNode(r, depth-1))
		}
		return node
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Style: []yaml.Style{0, 0, yaml.FlowStyle}[r.IntN(3)], Tag: []string{"", "!!map"}[r.IntN(2)]}
	for range r.IntN(4) {
		node.Content = append(node.Content, text(), randomNode(r, depth-1))
	}
	return node
}

func TestFieldsAreThoseThatKustomizeWouldWrite(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	quick := 0
	for range 50_000 {
		node := randomNode(r, 3)
		fields, ok := mapOf(node)
		if !ok {
			continue
		}
		if quick++; len(fields) == 0 {
			continue
		}
		object := kyaml.NewRNode(node)
		want, ok := kustomizeFields(t, object)
		if !ok {
			t.Fatalf("Kustomize can't write %v", fields)
		}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Fatalf("%s\n(-want +got):\n%s", object.MustString(), diff)
		}
	}
	if quick < 1000 {
		t.Errorf("only %d were read without Kustomize", quick)
	}
}
