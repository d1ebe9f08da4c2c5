package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Secrets are the data of Secrets, by name and key. Printed or marshalled,
// they show no values.
type Secrets map[string]map[string][]byte

// Format prints how many Secrets there are, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%d Secrets", len(s)) }

// MarshalJSON is Format, quoted.
func (s Secrets) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%d Secrets"`, len(s)), nil }

// addSecret decodes field by field: no error of a library, which might quote
// a value, gets out.
func addSecret(config *Config, object map[string]any) ([]string, error) {
	complaints := checkMetadata(object, true)
	data := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch name {
		case "apiVersion", "kind", "metadata":
		case "type":
			if _, ok := object[name].(string); !ok {
				complaints = append(complaints, "type: must be of type string")
			}
		case "immutable":
			if _, ok := object[name].(bool); !ok {
				complaints = append(complaints, "immutable: must be of type boolean")
			}
		case "data": // before stringData, which wins
			complaints = append(complaints, addData(data, name, object[name], "must be text in base64", base64.StdEncoding.DecodeString)...)
		case "stringData":
			complaints = append(complaints, addData(data, name, object[name], "must be of type string: put it in quotes", func(text string) ([]byte, error) {
				return []byte(text), nil
			})...)
		default:
			complaints = append(complaints, unknownField(name, []string{"type", "immutable", "data", "stringData", "metadata"}))
		}
	}
	if len(complaints) == 0 {
		config.Secrets[nameOf(object)] = data
	}
	return complaints, nil
}

func addData(data map[string][]byte, name string, in any, expected string, decode func(string) ([]byte, error)) []string {
	if in == nil {
		return nil
	}
	path := field.NewPath(name)
	values, ok := in.(map[string]any)
	if !ok {
		return []string{path.String() + ": must be of type object"}
	}
	var complaints []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		at := path.Key(key).String()
		if len(validation.IsConfigMapKey(key)) > 0 {
			complaints = append(complaints, at+": must be a key of letters, digits, '-', '_' and '.'")
		}
		text, ok := values[key].(string)
		if !ok {
			complaints = append(complaints, at+": "+expected)
			continue
		}
		value, err := decode(text)
		if err != nil {
			complaints = append(complaints, at+": "+expected)
			continue
		}
		data[key] = value
	}
	return complaints
}
