package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Meter makes a span of each fetch and each rendering, and tells next of them.
func (t *Tracing) Meter(next gitindex.Meter) gitindex.Meter {
	if t.provider == nil {
		return next
	}
	return &meter{next, t.Tracer()}
}

type meter struct {
	gitindex.Meter
	tracer trace.Tracer
}

func (m *meter) Fetched(source string, took time.Duration, err error) {
	m.span("fetch", source, took, err)
	m.Meter.Fetched(source, took, err)
}

func (m *meter) Rendered(source string, took time.Duration, err error) {
	m.span("render", source, took, err)
	m.Meter.Rendered(source, took, err)
}

// span is one that is over. Why something failed is in the GitSource's status:
// it may say more than traces should.
func (m *meter) span(name, source string, took time.Duration, err error) {
	end := time.Now()
	_, span := m.tracer.Start(context.Background(), name, trace.WithTimestamp(end.Add(-took)), trace.WithAttributes(attribute.String("gitonly.source", source)))
	if err != nil {
		span.SetStatus(codes.Error, "the GitSource's status says why")
	}
	span.End(trace.WithTimestamp(end))
}
