package sweep

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed exceptions.txt
var exceptionLines string

// exception lets a trial slip.
type exception struct {
	line              string
	object, op, field string
	used              bool
}

// exceptions reads exceptions.txt. The parts of a line stand between bars.
func exceptions() ([]*exception, error) {
	var all []*exception
	for line := range strings.Lines(exceptionLines) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 4 {
			return nil, fmt.Errorf("exceptions.txt: %q has not the four parts object, way, field, reason", line)
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		all = append(all, &exception{line: line, object: parts[0], op: parts[1], field: parts[2]})
	}
	return all, nil
}

// excused reports whether a result is one of the exceptions.
func excused(all []*exception, r result) bool {
	for _, e := range all {
		if fits(e.object, r.trial.thing.name) && fits(e.op, r.trial.op) && fits(e.field, r.trial.at.String()) {
			e.used = true
			return true
		}
	}
	return false
}

// fits compares with a pattern that may end in a star.
func fits(pattern, text string) bool {
	if start, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(text, start)
	}
	return pattern == text
}
