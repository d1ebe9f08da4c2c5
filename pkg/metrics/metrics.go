// Package metrics says in numbers what gitonly does. docs/metrics.md lists them.
package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
)

// Metrics are what is counted as it happens. They implement admission.Meter and
// gitindex.Meter.
type Metrics struct {
	requests   *prometheus.CounterVec
	duration   prometheus.Histogram
	unrecorded prometheus.Counter

	fetches, renders          *prometheus.SummaryVec
	fetchErrors, renderErrors *prometheus.CounterVec
}

// New registers the metrics.
func New(registry prometheus.Registerer) (*Metrics, error) {
	// There may be hundreds of sources. Without quantiles a summary is two series
	// for each: sum and count.
	times := func(name, help string) *prometheus.SummaryVec {
		return prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: name, Help: help}, []string{"source"})
	}
	errors := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"source"})
	}
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gitonly_admission_requests_total",
			Help: "Requests that were decided, dry runs too.",
		}, []string{"outcome", "reason", "operation", "mode"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "gitonly_admission_duration_seconds",
			Help:    "How long it took to answer a request.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3},
		}),
		unrecorded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gitonly_break_glass_unrecorded_total",
			Help: "Requests in an emergency whose record could not be written in time.",
		}),
		fetches:      times("gitonly_source_fetch_duration_seconds", "How long looks at a source took, up to having its files."),
		fetchErrors:  errors("gitonly_source_fetch_errors_total", "Looks at a source that went wrong before anything was rendered."),
		renders:      times("gitonly_source_render_duration_seconds", "How long renderings of a source's paths took."),
		renderErrors: errors("gitonly_source_render_errors_total", "Renderings of a source's paths that went wrong."),
	}
	m.expectUndecidable()
	err := register(registry, m.requests, m.duration, m.unrecorded, m.fetches, m.fetchErrors, m.renders, m.renderErrors)
	return m, err
}

func register(registry prometheus.Registerer, collectors ...prometheus.Collector) error {
	for _, collector := range collectors {
		if err := registry.Register(collector); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// expectUndecidable has these series there from the start: only then the first
// such request is an increase, and raises an alert.
func (m *Metrics) expectUndecidable() {
	for _, operation := range []policy.Operation{policy.Create, policy.Update, policy.Delete, policy.Connect} {
		for mode, outcomes := range map[v1alpha1.Mode][]policy.Outcome{
			v1alpha1.ModeEnforce: {policy.Deny, policy.Warn},
			v1alpha1.ModeAudit:   {policy.Warn},
		} {
			for _, outcome := range outcomes {
				m.requests.WithLabelValues(outcome.String(), string(policy.Undecidable), string(operation), string(mode))
			}
		}
	}
}

// Decided counts a verdict on a request with this operation.
func (m *Metrics) Decided(v policy.Verdict, operation policy.Operation) {
	switch operation {
	case policy.Create, policy.Update, policy.Delete, policy.Connect:
	default:
		operation = "" // whoever reaches the port may send any
	}
	m.requests.WithLabelValues(v.Outcome.String(), string(v.Reason), string(operation), string(v.Mode)).Inc()
}

// Answered takes note of how long it took to answer a request.
func (m *Metrics) Answered(took time.Duration) { m.duration.Observe(took.Seconds()) }

// Unrecorded counts a request in an emergency whose record is not written.
func (m *Metrics) Unrecorded() { m.unrecorded.Inc() }

// Fetched takes note of a look at a source, up to having its files.
func (m *Metrics) Fetched(source string, took time.Duration, err error) {
	observe(m.fetches, m.fetchErrors, source, took, err)
}

// Rendered takes note of the rendering of a location.
func (m *Metrics) Rendered(source string, took time.Duration, err error) {
	observe(m.renders, m.renderErrors, source, took, err)
}

func observe(times *prometheus.SummaryVec, errors *prometheus.CounterVec, source string, took time.Duration, err error) {
	times.WithLabelValues(source).Observe(took.Seconds())
	counter := errors.WithLabelValues(source) // there from the first time
	if err != nil {
		counter.Inc()
	}
}

// Forget drops what was counted of a source.
func (m *Metrics) Forget(source string) {
	for _, vector := range []interface{ DeleteLabelValues(...string) bool }{m.fetches, m.fetchErrors, m.renders, m.renderErrors} {
		vector.DeleteLabelValues(source)
	}
}
