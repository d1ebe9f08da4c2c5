package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var (
	yamlMessage = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)
	errSecond   = errors.New("yaml: a document follows that no --- begins")
)

// inOtherWords has what the YAML reader says in terms of its grammar.
var inOtherWords = map[string]string{
	"did not find expected <document start>": "a document follows that no --- begins",
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	message := err.Error()
	if found := yamlMessage.FindStringSubmatch(message); found != nil {
		message = found[1]
	}
	if better := inOtherWords[message]; better != "" {
		return better
	}
	if strings.HasPrefix(message, "unknown anchor ") {
		return "a value begins with *, which names an anchor that isn't there: quote it" // it may be a secret
	}
	return message
}

// syntaxError finds out on which line of the file the fault is. The reader
// often says where the construct begins that it could not finish; the fault is
// on the first line with which it says so.
func (p part) syntaxError(file string, err error) error {
	message := messageOf(err)
	lines := bytes.SplitAfter(p.text, []byte("\n"))
	ends := make([]int, len(lines))
	end := 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	line := sort.Search(len(lines)-1, func(i int) bool {
		_, err := parse(p.text[:ends[i]])
		return messageOf(err) == message
	})
	return &gitindex.RenderError{File: file, Line: line + 1 + p.offset, Err: &notYAML{message, err}}
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
