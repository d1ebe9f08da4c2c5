package admission

import (
	"time"

	"gitonly.dev/gitonly/pkg/policy"
)

// Meter counts what is decided.
type Meter interface {
	// Decided counts a verdict on a request with this operation.
	Decided(v policy.Verdict, operation policy.Operation)
	// Answered takes note of how long it took to answer a request.
	Answered(took time.Duration)
	// Unrecorded counts a request in an emergency whose record is not written.
	Unrecorded()
}

type unmetered struct{}

func (unmetered) Decided(policy.Verdict, policy.Operation) {}
func (unmetered) Answered(time.Duration)                   {}
func (unmetered) Unrecorded()                              {}

// timed begins to time an answer, which is there when stop is called.
func (h *Handler) timed() (stop func()) {
	began := h.Clock.Now()
	return func() { h.Meter.Answered(h.Clock.Since(began)) }
}
