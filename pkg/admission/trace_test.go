package admission_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"gitonly.dev/gitonly/pkg/admission"
)

func TestACallIsASpanInTheAPIServersTrace(t *testing.T) {
	const trace, call = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	e := newEmergency(t, "mode: Enforce")
	ended := tracetest.NewSpanRecorder()
	parts := e.handler.Parts
	parts.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(ended)).Tracer("test")
	webhook, _ := unread(t, admission.NewHandler(parts), 64)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", bytes.NewReader(asReview(t, opening)))
	request.Header.Set("traceparent", fmt.Sprintf("00-%s-%s-01", trace, call))
	webhook.ServeHTTP(httptest.NewRecorder(), request)

	var got []string
	for _, span := range ended.Ended() {
		if span.SpanContext().TraceID().String() != trace {
			t.Errorf("%s is in another trace", span.Name())
		}
		if span.Name() == "review" && span.Parent().SpanID().String() != call {
			t.Error("the review isn't the call's")
		}
		var told []string
		for _, a := range span.Attributes() {
			told = append(told, fmt.Sprintf("  %s=%s", a.Key, a.Value.AsString()))
		}
		slices.Sort(told)
		got = append(append(got, span.Name()), told...)
	}
	want := []string{
		"read emergencies",
		"record emergency",
		"review",
		"  gitonly.actor=Person",
		"  gitonly.breakGlassReason=INC-1234 gateway down",
		"  gitonly.breakGlassUntil=2026-03-01T13:00:00Z",
		"  gitonly.fields=spec.replicas",
		"  gitonly.group=apps",
		"  gitonly.mode=Enforce",
		"  gitonly.name=web",
		"  gitonly.namespace=staging",
		"  gitonly.operation=UPDATE",
		"  gitonly.outcome=Allow",
		"  gitonly.policy=test",
		"  gitonly.reason=BreakGlassOpened",
		"  gitonly.resource=deployments",
		"  gitonly.revision=main@4f2c1ab",
		"  gitonly.source=infra",
		"  gitonly.uid=a-1",
		"  gitonly.without=DeclaredFieldChanged",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
