package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var (
	yamlMessage   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError finds out where in the file the YAML reader stopped.
func (p part) syntaxError(file string, err error) error {
	message, line := err.Error(), 1
	if found := yamlMessage.FindStringSubmatch(message); found != nil {
		message = found[2]
		line, _ = strconv.Atoi(found[1])
		// What the parser itself misses is counted from 0, what the scanner
		// stumbles over from 1.
		if line == 0 || strings.HasPrefix(message, "did not find expected") {
			line++
		}
	}
	if found := unknownAnchor.FindStringSubmatch(message); found != nil {
		if i := bytes.Index(p.text, []byte("*"+found[1])); i >= 0 {
			line = 1 + bytes.Count(p.text[:i], []byte("\n"))
		}
	}
	line = min(line, max(1, bytes.Count(bytes.TrimSpace(p.text), []byte("\n"))+1))
	return &gitindex.RenderError{File: file, Line: line + p.offset, Err: &notYAML{message, err}}
}

// notYAML says what is wrong without the reader's own wrapping.
type notYAML struct {
	message string
	err     error
}

func (e *notYAML) Error() string { return "invalid YAML: " + e.message }
func (e *notYAML) Unwrap() error { return e.err }

// checkKeys refuses a key that stands twice in one mapping, and keys that are
// no text: mostly a template that nobody rendered.
func checkKeys(file string, node *yaml.Node) error {
	if node.Kind == yaml.MappingNode {
		lines := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			if key.Kind != yaml.ScalarNode {
				return &gitindex.RenderError{File: file, Line: key.Line,
					Err: errors.New("invalid YAML: a key is a map or a list; a template has to be rendered first")}
			}
			if key.ShortTag() == "!!merge" {
				continue
			}
			if first, twice := lines[key.Value]; twice {
				return &gitindex.RenderError{File: file, Line: node.Content[i].Line,
					Err: fmt.Errorf("invalid YAML: key %q stands here and on line %d", key.Value, first)}
			}
			lines[key.Value] = node.Content[i].Line
		}
	}
	for _, child := range node.Content {
		if err := checkKeys(file, child); err != nil {
			return err
		}
	}
	return nil
}
