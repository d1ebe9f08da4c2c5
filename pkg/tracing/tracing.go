// Package tracing sends spans of what the webhook does to an OpenTelemetry
// collector, where OpenTelemetry's own variables say that there is one.
package tracing

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope names what the spans are from.
const scope = "gitonly.dev/gitonly"

// flushTime is how long the last spans may take to be sent.
const flushTime = 5 * time.Second

// Tracing makes spans.
type Tracing struct {
	provider *sdktrace.TracerProvider // nil where nobody traces
}

// New sends spans by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; without either it makes none. Of requests
// it follows the API server's choice, and of anything else it makes no spans,
// unless OTEL_TRACES_SAMPLER says otherwise. OpenTelemetry's other variables
// count, too. What can't be sent is said to log.
func New(ctx context.Context, version string, log logr.Logger) (*Tracing, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &Tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing to send traces, as OTEL_EXPORTER_OTLP_ENDPOINT says: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "gitonly"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describing this process in traces, as OTEL_RESOURCE_ATTRIBUTES says: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Error(err, "traces are incomplete") }))
	return &Tracing{sdktrace.NewTracerProvider(options...)}, nil
}

// Tracer is what spans are begun by.
func (t *Tracing) Tracer() trace.Tracer {
	if t.provider == nil {
		return noop.NewTracerProvider().Tracer(scope)
	}
	return t.provider.Tracer(scope)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (t *Tracing) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable: it sends what is left when ctx ends.
func (t *Tracing) Start(ctx context.Context) error {
	<-ctx.Done()
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(fmt.Errorf("sending the last spans: %w", err)) // nobody has to wait for them
	}
	return nil
}
