package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/provenance"
)

// substitution replaces variables in the YAML of objects, as Flux does.
type substitution struct {
	gitindex.Substitution
	values map[string]string
	limit  int64 // of what values come to in one object

	// others are the values with two sets of placeholders for those that are
	// secret. Two, since what is cut out of a value may be like one of them.
	others []map[string]string
}

var variableName = regexp.MustCompile(`^[_[:alpha:]][_[:alpha:][:digit:]]*$`)

func newSubstitution(s gitindex.Substitution, limit int64) (*substitution, error) {
	values := make(map[string]string, len(s.Values))
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		if !variableName.MatchString(name) {
			return nil, fmt.Errorf("%q is no name of a variable to substitute: use letters, digits and underscores", name)
		}
		// As Flux does: a value is one line.
		values[name] = strings.ReplaceAll(s.Values[name], "\n", "")
	}
	sub := &substitution{Substitution: s, values: values, limit: limit}
	if len(s.Secret) > 0 {
		sub.others = []map[string]string{maps.Clone(values), maps.Clone(values)}
		for i, name := range s.Secret {
			sub.others[0][name] = fmt.Sprintf("q%dplaceholder", i)
			sub.others[1][name] = fmt.Sprintf("Zx%dWithheldFromEveryone", i)
		}
	}
	return sub, nil
}

func (j *job) substitute(objects []object) error {
	if j.at.Build.Substitute == nil {
		return nil
	}
	s, err := newSubstitution(*j.at.Build.Substitute, j.options.MaxBytes)
	if err != nil {
		return err
	}
	for i := range objects {
		if err := s.in(&objects[i]); err != nil {
			if len(objects[i].secrets) > 0 {
				err = errDecryptedVariable
			}
			return objects[i].fault(err)
		}
	}
	return nil
}

func (s *substitution) in(o *object) error {
	if s.leftAlone(o) {
		return nil
	}
	encoded, err := compact(o.fields)
	if err != nil {
		return fmt.Errorf("encoding the object: %w", err)
	}
	text, err := yaml.JSONToYAML(encoded)
	if err != nil {
		return fmt.Errorf("encoding the object: %w", err)
	}
	if !bytes.ContainsRune(text, '$') {
		return nil
	}
	fields, err := s.evaluate(string(text), s.values)
	if err != nil {
		return err
	}
	o.fields = fields
	for _, values := range s.others {
		o.hide(s.differences(fields, string(text), values))
	}
	return nil
}

func (s *substitution) leftAlone(o *object) bool {
	if s.OptOut == "" {
		return false
	}
	metadata, _ := o.fields["metadata"].(map[string]any)
	for _, field := range []string{"labels", "annotations"} {
		entries, _ := metadata[field].(map[string]any)
		if value, _ := text(entries, s.OptOut); value == s.Disable {
			return true
		}
	}
	return false
}

var errDecryptedVariable = errors.New("variables can't be substituted in it; the error may quote what was decrypted and isn't shown")

// errUnreadable keeps the error of the YAML that values made: it may quote them.
var errUnreadable = errors.New("with its variables substituted, the object is no YAML any more: put those in quotes whose values are no plain words")

func (s *substitution) evaluate(text string, values map[string]string) (map[string]any, error) {
	left := s.limit
	made, err := envsubst.Eval(text, func(name string) (string, bool) {
		value, has := values[name]
		if left -= int64(len(value)); left < 0 {
			return "", false // ends it
		}
		return value, has || !s.Strict
	})
	if left < 0 {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("substituting variables: %w", err)
	}
	encoded, err := yaml.YAMLToJSON([]byte(made))
	if err != nil {
		return nil, errUnreadable
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return nil, errUnreadable
	}
	return fields, nil
}

// differences are the fields that other values of the secret variables change;
// all of them if those make no object.
func (s *substitution) differences(fields map[string]any, text string, values map[string]string) []string {
	other, err := s.evaluate(text, values)
	if err != nil {
		other = nil
	}
	return differences(fields, other)
}

// differences are the paths of fields at which other has something else.
func differences(fields, other map[string]any) []string {
	// The paths depend on the schema that Kustomize works with.
	engine.Lock()
	defer engine.Unlock()
	version, _ := text(fields, "apiVersion")
	kind, _ := text(fields, "kind")
	return provenance.Differences(version, kind, fields, other)
}

// hide adds fields that are never shown.
func (o *object) hide(paths []string) {
	o.hidden = append(o.hidden, paths...)
	slices.Sort(o.hidden)
	o.hidden = slices.Compact(o.hidden)
}
