package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
)

// step is one request on the way back.
type step struct {
	trial   trial
	way     string
	outcome outcome
	detail  string
	cause   cause // why a person may not take this step; none for most
}

// cause is why a person may not take back what came in beside what Git declares.
type cause string

const (
	none       cause = ""
	reliedUpon cause = "others rely on finalizers and owners"
	untracked  cause = "the API server keeps no managedFields of an object that nobody applied a field of"
	unread     cause = "managedFields of another version can't be read"
	unknown    cause = "the value before is a default of a built-in kind that gitonly doesn't know"
)

// staying is the cause why what a trial added has to stay; none if it may go.
func (t trial) staying(before, drifted *unstructured.Unstructured) cause {
	if t.op != opAdd {
		return none
	}
	entries := drifted.GetManagedFields()
	_, was := t.at.get(before.Object)
	path := t.at.String()
	switch {
	case strings.HasPrefix(path, "metadata.finalizers"), strings.HasPrefix(path, "metadata.ownerReferences"):
		return reliedUpon
	case !slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == drifter }):
		return untracked
	case slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.APIVersion != drifted.GetAPIVersion() }):
		return unread
	case was && scheme.Scheme.Recognizes(drifted.GroupVersionKind()):
		return unknown
	}
	return none
}

// byDesign reports whether a refused step back has a cause, and complains of
// nothing but what it puts back.
func (s step) byDesign() bool {
	if s.outcome != refused || s.cause == none {
		return false
	}
	saying := ": not in Git, the request removes "
	if s.cause == unknown {
		saying = ": not in Git, the request changes it from "
	}
	return len(namedFields(s.detail)) == 1 && strings.Count(s.detail, saying) == 1
}

// judgeSteps counts, and complains of steps back that were refused and of
// others that were not.
func (s *scene) judgeSteps(t *testing.T, steps []step) {
	counts := map[string]*stepCount{}
	causes := map[cause]int{}
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
		if st.byDesign() {
			causes[st.cause]++
		}
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
	for _, why := range slices.Sorted(maps.Keys(causes)) {
		fmt.Fprintf(&text, "%d by design: %s\n", causes[why], why)
	}
	t.Logf("convergence, from states that kubectl made:\n%-32s %6s %9s %8s %8s %8s\n%s",
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
