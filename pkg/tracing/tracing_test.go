package tracing_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"gitonly.dev/gitonly/pkg/tracing"
)

// spans are those that a collector got, each as its service, name, source and status.
type spans struct {
	mu  sync.Mutex
	got []string
}

func (s *spans) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, _ := io.ReadAll(body)
	var request collector.ExportTraceServiceRequest
	_ = proto.Unmarshal(text, &request)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range request.ResourceSpans {
		said := ""
		for _, a := range of.Resource.Attributes {
			if a.Key == "service.name" || a.Key == "service.version" {
				said += a.Value.GetStringValue() + " "
			}
		}
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				line := said + span.Name
				for _, a := range span.Attributes {
					line += " " + a.Key + "=" + a.Value.GetStringValue()
				}
				if message := span.Status.GetMessage(); message != "" {
					line += ": " + message
				}
				s.got = append(s.got, line)
			}
		}
	}
}

// meter counts what it is told.
type meter struct{ fetched, rendered int }

func (m *meter) Fetched(string, time.Duration, error)  { m.fetched++ }
func (m *meter) Rendered(string, time.Duration, error) { m.rendered++ }
func (m *meter) Forget(string)                         {}

// trace does one of everything, and returns what the log says of it.
func trace(t *testing.T) (log []string) {
	t.Helper()
	sink := funcr.New(func(_, args string) { log = append(log, args) }, funcr.Options{})
	tracing, err := tracing.New(t.Context(), "v1.2.3", sink)
	if err != nil {
		t.Fatal(err)
	}
	var counted meter
	m := tracing.Meter(&counted)
	m.Fetched("infra", time.Second, nil)
	m.Rendered("infra", time.Second, errors.New("https://user:password@example.com"))
	if counted != (meter{1, 1}) {
		t.Errorf("counted: %+v", counted)
	}
	_, span := tracing.Tracer().Start(t.Context(), "review")
	span.End()
	over, end := context.WithCancel(t.Context())
	end()
	if err := tracing.Start(over); err != nil {
		t.Error(err)
	}
	return log
}

func TestSpansAreSentWhereOpenTelemetrysVariablesSay(t *testing.T) {
	all := []string{
		"gitonly v1.2.3 fetch gitonly.source=infra",
		"gitonly v1.2.3 render gitonly.source=infra: the GitSource's status says why",
		"gitonly v1.2.3 review",
	}
	for _, test := range []struct {
		name, variable, path, sampler string
		want                          []string
	}{
		{"to all signals' endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "always_on", all},
		{"to that of traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", "always_on", all},
		{"not where the API server hasn't chosen a request", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "", nil},
		{"nowhere", "NONE", "", "always_on", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got spans
			server := httptest.NewServer(&got)
			defer server.Close()
			t.Setenv(test.variable, server.URL+test.path)
			if test.sampler != "" {
				t.Setenv("OTEL_TRACES_SAMPLER", test.sampler)
			}
			if log := trace(t); log != nil {
				t.Errorf("log: %q", log)
			}
			if diff := cmp.Diff(test.want, got.got); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeSentIsInTheLog(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	want := []string{fmt.Sprintf(`"msg"="traces are incomplete" "error"="traces export: failed to send to %s/v1/traces: 404 Not Found (body: 404 page not found)"`, server.URL)}
	if diff := cmp.Diff(want, trace(t)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
