package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// step is one request on the way back.
type step struct {
	trial   trial
	way     string
	outcome outcome
	detail  string
}

// byDesign reports whether all that the refusal of a step back complains of is
// that something goes which Git is silent about, and which isn't the drifter's:
// that isn't a person's to do. Where the agent set such a field in the first
// place, changing it again isn't either.
func (s step) byDesign() bool {
	if s.outcome != refused || s.way == elsewhereTo {
		return false
	}
	silent := ": not in Git, the request removes it"
	if s.trial.op == opAdd || s.trial.op == opInsert {
		if takesBack && !s.trial.keeps() {
			return false
		}
		silent = ": not in Git"
	}
	paths := len(namedFields(s.detail))
	return paths > 0 && paths == strings.Count(s.detail, silent)
}

// keeps reports whether what a trial adds stays in any case: others rely on
// finalizers and owners. What had a value before isn't added, it is changed.
func (t trial) keeps() bool {
	path := t.at.String()
	return strings.HasPrefix(path, "metadata.finalizers") || strings.HasPrefix(path, "metadata.ownerReferences")
}

// judgeSteps counts, and complains of steps back that were refused and of
// others that were not.
func (s *scene) judgeSteps(t *testing.T, steps []step) {
	counts := map[string]*stepCount{}
	var lines []string
	for _, st := range steps {
		detail := strings.ReplaceAll(st.detail, "\n", " ")
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%s", st.outcome, st.trial, st.way, detail))
		key := st.trial.op + " → " + st.way
		c := counts[key]
		if c == nil {
			c = &stepCount{}
			counts[key] = c
		}
		c.add(st)
		back := st.way != elsewhereTo
		switch {
		case st.outcome == broken, back && st.outcome == refused && !st.byDesign(), !back && st.outcome != refused:
			t.Errorf("%s, %s: %s: %s", st.trial, st.way, st.outcome, st.detail)
		}
	}
	keepLines(t, "convergence.txt", lines)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		c := counts[key]
		fmt.Fprintf(&text, "%-32s %6d %9d %8d %8d %8d\n", key, c.accepted+c.refused+c.designed, c.accepted, c.refused, c.designed, c.invalid)
	}
	t.Logf("convergence, from states that kubectl made (by design: refused only because of fields that Git is silent about):\n%-32s %6s %9s %8s %8s %8s\n%s",
		"", "tried", "accepted", "refused", "by design", "invalid", text.String())
}

// stepCount is what became of the steps of one kind.
type stepCount struct{ accepted, refused, designed, invalid int }

func (c *stepCount) add(st step) {
	switch {
	case st.outcome == invalid:
		c.invalid++
	case st.outcome == noChange || st.outcome == slipped:
		c.accepted++
	case st.byDesign():
		c.designed++
	default:
		c.refused++
	}
}
