package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Documents decodes the documents of a text. Maps are map[string]any, lists
// []any, whole numbers int64; an empty document is nil. Aliases and merged
// maps are what they stand for.
func Documents(text []byte) ([]any, error) {
	roots, err := parse(text)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(roots))
	for i, root := range roots {
		if values[i], err = valueOf(root); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func parse(text []byte) ([]*yaml.Node, error) {
	var roots []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var root yaml.Node
		if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
			return roots, nil
		} else if err != nil {
			return nil, err
		}
		roots = append(roots, root.Content[0])
	}
}

// maxNodes bounds what aliases may grow to.
const maxNodes = 200_000

func valueOf(n *yaml.Node) (any, error) {
	left := maxNodes
	return decode(n, &left)
}

func decode(n *yaml.Node, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errors.New("its aliases make it too large")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return decode(n.Alias, left)
	case yaml.MappingNode:
		return decodeMap(n, left)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if list[i], err = decode(item, left); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if n.ShortTag() == "!!timestamp" {
		return n.Value, nil // JSON has none
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, err
	}
	if whole, ok := value.(int); ok {
		return int64(whole), nil
	}
	return value, nil
}

func decodeMap(n *yaml.Node, left *int) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case isMerge(key) && value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
			continue
		case isMerge(key):
			merged = append(merged, value)
			continue
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: the name of a field is no text", key.Line)
		}
		var err error
		if m[key.Value], err = decode(value, left); err != nil {
			return nil, err
		}
	}
	for _, one := range merged {
		below, err := decode(one, left)
		if err != nil {
			return nil, err
		}
		others, _ := below.(map[string]any)
		for name, value := range others {
			if _, ok := m[name]; !ok {
				m[name] = value
			}
		}
	}
	return m, nil
}

func isMerge(key *yaml.Node) bool { return key.ShortTag() == "!!merge" }

// equal compares decoded values; numbers by what they are worth.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, ok := b[name]; !ok || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	}
	return 0, false
}
