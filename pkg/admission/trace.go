package admission

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	admissionv1 "k8s.io/api/admission/v1"

	"gitonly.dev/gitonly/pkg/policy"
)

// traced begins the span of a call: the API server's own is its parent.
func (h *Handler) traced(r *http.Request) (context.Context, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return h.Tracer.Start(ctx, "review", trace.WithSpanKind(trace.SpanKindServer))
}

// span begins one of something that takes a call of the API server.
func (h *Handler) span(ctx context.Context, name string) (_ context.Context, end func()) {
	ctx, span := h.Tracer.Start(ctx, name)
	return ctx, func() { span.End() }
}

// trace says in the call's span what was decided on; as in the log, without values.
func (h *Handler) trace(ctx context.Context, review *admissionv1.AdmissionRequest, v policy.Verdict) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	told := auditAnnotations(v)
	told["actor"], told["mode"] = string(v.Actor), string(v.Mode)
	told["uid"], told["operation"], told["subresource"] = string(review.UID), string(review.Operation), review.SubResource
	told["group"], told["resource"], told["namespace"], told["name"] = review.Resource.Group, review.Resource.Resource, review.Namespace, review.Name
	for name, value := range told {
		if value != "" {
			span.SetAttributes(attribute.String("gitonly."+name, value))
		}
	}
}
