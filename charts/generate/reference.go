package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const mark = "<!-- made of values.yaml by make generate -->\n"

// reference writes the table of values into the chart's README.
func reference() error {
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	var values yaml.Node
	if err := yaml.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("reading values.yaml: %w", err)
	}
	table := &strings.Builder{}
	fmt.Fprint(table, "| value | default | what it is |\n|---|---|---|\n")
	if err := rows(table, "", values.Content[0]); err != nil {
		return err
	}
	readme := filepath.Join(chart, "README.md")
	before, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	head, _, found := strings.Cut(string(before), mark)
	if !found {
		return fmt.Errorf("%s: has no line %q", readme, strings.TrimSpace(mark))
	}
	return os.WriteFile(readme, []byte(head+mark+"\n"+table.String()), 0o644)
}

// rows writes a line for each value in a map. What a comment is about is one
// value; a map without one is the place of others.
func rows(table *strings.Builder, prefix string, values *yaml.Node) error {
	for i := 0; i < len(values.Content); i += 2 {
		key, value := values.Content[i], values.Content[i+1]
		name := prefix + key.Value
		if value.Kind == yaml.MappingNode && described(value) {
			if err := rows(table, name+".", value); err != nil {
				return err
			}
			continue
		}
		about := key.HeadComment
		if about == "" && value.Kind != yaml.MappingNode {
			about = values.HeadComment
		}
		about = strings.Join(strings.Fields(strings.ReplaceAll(about, "# ", "")), " ")
		if about == "" {
			return fmt.Errorf("values.yaml: %s has no comment that says what it is", name)
		}
		var given any
		if err := value.Decode(&given); err != nil {
			return err
		}
		text, err := json.Marshal(given)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "| `%s` | `%s` | %s |\n", name, text, about)
	}
	return nil
}

// described reports whether some value in a map has a comment of its own.
func described(values *yaml.Node) bool {
	for i := 0; i < len(values.Content); i += 2 {
		if values.Content[i].HeadComment != "" || described(values.Content[i+1]) {
			return true
		}
	}
	return false
}
