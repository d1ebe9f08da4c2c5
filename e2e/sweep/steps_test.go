package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// step is one request on the way back.
type step struct {
	trial   trial
	way     string
	outcome outcome
	detail  string
	mine    bool // back from what the drifter has added
}

// byDesign reports whether all that the refusal of a step back complains of is
// what Git is silent about, and what the drifter didn't add: that isn't a
// person's to do, even if it was so before.
func (s step) byDesign() bool {
	if s.outcome != refused || s.way == elsewhereTo || s.mine {
		return false
	}
	silent := ": not in Git, the request removes it"
	if s.trial.op == opAdd || s.trial.op == opInsert {
		silent = ": not in Git"
	}
	paths := len(namedFields(s.detail))
	return paths > 0 && paths == strings.Count(s.detail, silent)
}

// owned reports whether a trial added something under the drifter's name, as far
// as managedFields tell: the API server keeps none of an object that nobody has
// applied a field of, and another version's can't be read. Others rely on
// finalizers and owners: they stay.
func (t trial) owned(before, drifted *unstructured.Unstructured) bool {
	if _, was := t.at.get(before.Object); was || (t.op != opAdd && t.op != opInsert) {
		return false
	}
	if path := t.at.String(); strings.HasPrefix(path, "metadata.finalizers") || strings.HasPrefix(path, "metadata.ownerReferences") {
		return false
	}
	entries := drifted.GetManagedFields()
	return slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == drifter }) &&
		!slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.APIVersion != drifted.GetAPIVersion() })
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
