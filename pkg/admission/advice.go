package admission

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// Adviser knows what is probably a mistake in a GuardPolicy.
type Adviser interface {
	// Advise returns a sentence, without its full stop, for each mistake in a
	// GuardPolicy that has its defaults.
	Advise(context.Context, *v1alpha1.GuardPolicy) []string
}

// advice is what somebody is told who writes a GuardPolicy.
func (h *Handler) advice(ctx context.Context, review *admissionv1.AdmissionRequest) []string {
	if h.Adviser == nil || review.SubResource != "" || len(review.Object.Raw) == 0 ||
		review.Kind.Group != v1alpha1.GroupVersion.Group || review.Kind.Kind != v1alpha1.GuardPolicyKind {
		return nil
	}
	var written v1alpha1.GuardPolicy
	if json.Unmarshal(review.Object.Raw, &written) != nil {
		return nil // the API server checks it by its schema
	}
	written.SetDefaults()
	var warnings []string
	for _, sentence := range h.Adviser.Advise(ctx, &written) {
		warnings = append(warnings, fmt.Sprintf("gitonly: GuardPolicy %s: %s.", written.Name, sentence))
	}
	return warnings
}
