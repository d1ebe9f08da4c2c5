package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// unknownField names a field that there isn't, and the one among fields that
// was probably meant.
func unknownField(path string, fields []string) string {
	complaint := fmt.Sprintf("unknown field %q", path)
	name := path[strings.LastIndexByte(path, '.')+1:]
	best, fewest := "", 0
	for _, field := range slices.Sorted(slices.Values(fields)) {
		changes := distance(strings.ToLower(field), strings.ToLower(name))
		if changes <= max(1, len(field)/3) && (best == "" || changes < fewest) {
			best, fewest = field, changes
		}
	}
	if best == "" {
		return complaint
	}
	return fmt.Sprintf("%s, did you mean %q?", complaint, strings.TrimSuffix(path, name)+best)
}

// fieldsBeside returns what a schema knows where path has its last step.
func fieldsBeside(path string, schema *structuralschema.Structural) []string {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for _, step := range steps[:max(0, len(steps)-1)] {
		if property, ok := schema.Properties[step]; ok {
			schema = &property
		} else if schema = schema.Items; schema == nil {
			return nil
		}
	}
	return slices.Collect(maps.Keys(schema.Properties))
}

// distance is how many letters are inserted, left out or replaced to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
