package admission_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/policy"
)

// meter keeps what it is told.
type meter struct{ told []string }

func (m *meter) Decided(v policy.Verdict, operation policy.Operation) {
	m.told = append(m.told, v.Outcome.String()+" "+string(v.Reason)+" "+string(operation)+" "+string(v.Mode))
}

func (m *meter) Answered(took time.Duration) { m.told = append(m.told, "answered in "+took.String()) }

func (m *meter) Unrecorded() { m.told = append(m.told, "unrecorded") }

func TestAnswersAreMetered(t *testing.T) {
	m := &meter{}
	e := newEmergency(t, "mode: Enforce")
	e.handler.Meter = m
	e.ask(t, scaleUp)
	e.open, e.unwrote = map[types.UID]*policy.Emergency{"u-1": web()}, errors.New("quota exceeded")
	e.permissions.may = true
	e.ask(t, marked(scaleUp))
	want := []string{
		"Deny DeclaredFieldChanged UPDATE Enforce", "answered in 0s",
		"unrecorded", "Allow BreakGlassUsed UPDATE Enforce", "answered in 0s",
	}
	if diff := cmp.Diff(want, m.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
