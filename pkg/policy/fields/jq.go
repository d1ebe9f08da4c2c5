package fields

import (
	"context"
	"errors"
	"fmt"

	"github.com/itchyny/gojq"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// Query is a path expression of jq: the fields whose paths it yields.
type Query struct{ parsed *gojq.Query }

// longest is how long an expression may be: what reads it goes as deep as it is
// nested.
const longest = 4096

// ParseJQ reads an expression such as .spec.containers[] | select(.name == "web").
// Only those are taken whose evaluation ends and needs little memory, whatever
// the object. The error names the expression and what isn't taken in it.
func ParseJQ(text string) (Query, error) {
	if len(text) > longest {
		return Query{}, fmt.Errorf("jq expression %q: it is longer than %d bytes", shorten(text, maxText), longest)
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return Query{}, fmt.Errorf("jq expression %q: %w", text, err)
	}
	if err := checkQuery(query); err != nil {
		return Query{}, fmt.Errorf("jq expression %q: %w", text, err)
	}
	q := Query{parsed: &gojq.Query{Term: &gojq.Term{
		Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "path", Args: []*gojq.Query{query}},
	}}}
	if _, err := q.compile(&meter{}); err != nil {
		return Query{}, fmt.Errorf("jq expression %q: %w", text, err)
	}
	return q, nil
}

// compile makes the expression ready for one evaluation.
func (q Query) compile(m *meter) (*gojq.Code, error) {
	return gojq.Compile(q.parsed, gojq.WithFunction(chargeValue, 0, 0, m.value), gojq.WithFunction(chargeWidth, 0, 0, m.width))
}

// remove leaves an object alone in which the expression goes wrong, as jq's del
// does: where it iterates over what isn't there, or yields what is no path.
func (q Query) remove(object map[string]any, kind kschema.GroupVersionKind) {
	paths, err := q.paths(object, kind)
	if err != nil {
		return
	}
	for _, path := range paths {
		discard(object, path)
	}
	sweep(object)
}

// paths are what the expression yields, if nothing goes wrong.
func (q Query) paths(object map[string]any, kind kschema.GroupVersionKind) ([][]any, error) {
	input := queried(object).(map[string]any)
	input["apiVersion"], input["kind"] = kind.GroupVersion().String(), kind.Kind
	m := &meter{Context: context.Background(), left: maxSteps, widest: widest(input)}
	code, err := q.compile(m)
	if err != nil {
		return nil, err
	}
	var paths [][]any
	results := code.RunWithContext(m, input)
	for {
		result, ok := results.Next()
		if !ok {
			return paths, nil
		}
		switch r := result.(type) {
		case error:
			return nil, r
		case []any:
			if len(r) == 0 {
				return nil, errors.New("it yields the whole object")
			}
			paths = append(paths, whole(r).([]any))
		}
	}
}

// queried is a copy of a value in the types that gojq knows.
func queried(value any) any {
	switch v := value.(type) {
	case bool, string, int, float64:
		return v
	case int64:
		return int(v)
	case unset:
		return queried(v.value)
	case map[string]any:
		members := make(map[string]any, len(v)+2)
		for name, member := range v {
			if _, ok := member.(absent); !ok {
				members[name] = queried(member)
			}
		}
		return members
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = queried(item)
		}
		return items
	}
	return nil // what is opaque, too: nobody can ask about it
}

// whole is a path with whole numbers as int.
func whole(step any) any {
	switch s := step.(type) {
	case string, nil:
		return s
	case []any:
		steps := make([]any, len(s))
		for i, one := range s {
			steps[i] = whole(one)
		}
		return steps
	case map[string]any:
		return map[string]any{"start": whole(s["start"]), "end": whole(s["end"])}
	}
	if number, ok := gojq.ToInt(step); ok {
		return number
	}
	return nil
}
