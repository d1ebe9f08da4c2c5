package chart

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	// location is a place as the engine writes it: chart/templates/a.yaml:3:10.
	location = regexp.MustCompile(`([^\s()":]+):(\d+)(?::\d+)?`)

	// quoted is a template that a value holds, which the engine shows.
	quoted = regexp.MustCompile(`(cannot parse template|error during tpl function execution for) "(?:[^"\\]|\\.)*"`)

	executing = regexp.MustCompile(`^executing "[^"]*" at (<.*?>): *`)
)

// templateFault finds the innermost template that an error of the engine
// names, and what it says of it.
func templateFault(chart string, places map[string]origin, err error) *Fault {
	text := quoted.ReplaceAllString(err.Error(), "$1 a template in a value")
	fault := &Fault{File: chart}
	for _, at := range location.FindAllStringSubmatch(text, -1) {
		if from, ok := places[at[1]]; ok {
			fault.File = from.file
			if fault.Line = 0; !from.archive {
				fault.Line, _ = strconv.Atoi(at[2])
			}
		}
	}
	fault.Text = messageOf(text)
	return fault
}

// messageOf takes from an error what its innermost step says: the others are
// the chart's own way there.
func messageOf(text string) string {
	for _, intro := range []string{"execution error at (", "parse error at ("} {
		if rest, ok := strings.CutPrefix(text, intro); ok {
			if _, message, ok := strings.Cut(rest, "): "); ok {
				return strings.TrimSpace(message)
			}
		}
	}
	if last := strings.LastIndex(text, `executing "`); last >= 0 {
		text = text[last:]
	}
	return executing.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1: ")
}
