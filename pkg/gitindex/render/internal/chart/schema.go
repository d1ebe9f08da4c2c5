package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common/util"
	helm "helm.sh/helm/v4/pkg/chart/v2"
)

// maxViolations is how many violations of a schema a message lists.
const maxViolations = 5

// check holds the values of a chart and of those below it against their
// schemas, as Helm does. What a schema takes from elsewhere is not fetched:
// all values fit it.
func check(chart *helm.Chart, values map[string]any) *Fault {
	if chart.Schema != nil {
		if text := violations(chart.Schema, values); text != "" {
			return &Fault{Text: fmt.Sprintf("the values don't fit the schema of the chart %s: %s", chart.Name(), text)}
		}
	}
	for _, sub := range chart.Dependencies() {
		below, has := values[sub.Name()]
		if !has || below == nil {
			continue
		}
		fields, ok := below.(map[string]any)
		if !ok {
			return &Fault{Text: fmt.Sprintf("the values of the chart %s have to be a map", sub.Name())}
		}
		if fault := check(sub, fields); fault != nil {
			return fault
		}
	}
	return nil
}

func violations(schema []byte, values map[string]any) string {
	decoder := json.NewDecoder(bytes.NewReader(schema))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return "the schema is no JSON"
	}
	local(document)
	encoded, err := json.Marshal(document)
	if err != nil {
		return "the schema is no JSON"
	}
	var invalid util.JSONSchemaValidationError
	switch err := util.ValidateAgainstSingleSchema(values, encoded); {
	case err == nil:
		return ""
	case !errors.As(err, &invalid):
		return "the schema can't be read"
	}
	return listed(invalid.Error())
}

// known are the schemas that the validator has in it.
var known = regexp.MustCompile(`^https?://json-schema\.org/(draft-0[467]/schema|draft/(2019-09|2020-12)/schema)#?$`)

// local takes out of a schema what would be fetched.
func local(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			text, isText := below.(string)
			switch name {
			case "$ref", "$dynamicRef", "$recursiveRef":
				if isText && !strings.HasPrefix(text, "#") {
					delete(v, name)
				}
			case "$schema":
				if isText && !known.MatchString(text) {
					delete(v, name)
				}
			}
			local(below)
		}
	case []any:
		for _, below := range v {
			local(below)
		}
	}
}

var (
	violation = regexp.MustCompile(`^\s*- at '([^']*)': (.*)$`)

	// silent are the violations that say nothing of a value.
	silent = regexp.MustCompile(`^(got \w+, want [\w ,]+|missing propert(y|ies) .*|additional properties .* not allowed)$`)
)

// listed are the places of violations, and of most what is wrong: others show
// the value.
func listed(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		found := violation.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if found == nil {
			continue
		}
		where := strings.ReplaceAll(strings.TrimPrefix(found[1], "/"), "/", ".")
		if where == "" {
			where = "the whole"
		}
		what := found[2]
		if !silent.MatchString(what) {
			what = "not allowed"
		}
		all = append(all, where+": "+what)
	}
	slices.Sort(all) // the validator goes through maps
	switch {
	case len(all) == 0:
		return "they break one of its rules"
	case len(all) > maxViolations:
		return fmt.Sprintf("%s; and %d more", strings.Join(all[:maxViolations], "; "), len(all)-maxViolations)
	}
	return strings.Join(all, "; ")
}
