package admission

import (
	"fmt"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission/metrics"
)

// broke takes note of a panic while doing something for a review. It is to be
// called where the panic was caught.
func (h *Handler) broke(doing string, review types.UID, fault any) {
	metrics.WebhookPanics.WithLabelValues().Inc()
	h.Log.Error(fmt.Errorf("panic: %v", fault), doing+" broke", "uid", review, "stack", string(debug.Stack()))
}

// aside does something for a review that its answer doesn't depend on.
func (h *Handler) aside(review types.UID, do func()) {
	defer func() {
		if fault := recover(); fault != nil {
			h.broke("what follows a decision", review, fault)
		}
	}()
	do()
}
