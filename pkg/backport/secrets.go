package backport

import (
	"fmt"
	"io/fs"
	"strings"

	"gitonly.dev/gitonly/pkg/backport/yamledit"
)

// minSecret is the length from which a text is taken for something that nobody
// may read.
const minSecret = 4

// shows reports whether the patch for an edit has a line of a Secret's value,
// which may stand next to what is changed.
func (b *bringing) shows(p proposal) (bool, error) {
	original, err := fs.ReadFile(b.tree.below, p.file)
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", p.file, err)
	}
	secrets := secretsIn(original)
	if len(secrets) == 0 {
		return false, nil
	}
	var patch strings.Builder
	if err := WritePatch(&patch, b.tree, map[string]Edit{p.file: {original, p.text}}); err != nil {
		return false, err
	}
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= minSecret && strings.Contains(patch.String(), line) {
				return true, nil
			}
		}
	}
	return false, nil
}

// secretsIn are the values of Secrets that a file has in clear, as manifests or
// for a generator.
func secretsIn(text []byte) []string {
	documents, _ := yamledit.Documents(text)
	var found []string
	for _, document := range documents {
		object, _ := document.(map[string]any)
		if object["kind"] == "Secret" {
			found = append(found, textsIn(object["data"])...)
			found = append(found, textsIn(object["stringData"])...)
		}
		generators, _ := object["secretGenerator"].([]any)
		for _, generator := range generators {
			entry, _ := generator.(map[string]any)
			for _, literal := range textsIn(entry["literals"]) {
				_, value, _ := strings.Cut(literal, "=")
				found = append(found, value)
			}
		}
		items, _ := object["items"].([]any)
		for _, item := range items {
			if text, err := yamledit.Write(item); err == nil {
				found = append(found, secretsIn([]byte(text))...)
			}
		}
	}
	return found
}

// textsIn are the texts among a map's or list's members.
func textsIn(value any) []string {
	var texts []string
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if text, ok := member.(string); ok {
				texts = append(texts, text)
			}
		}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
