package metrics

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Follow registers what is looked at each time that the metrics are asked for:
// the sources in the newest snapshot, usable or not, which is nil before the
// first, and the certificate that is served, with its Leaf.
func Follow(registry prometheus.Registerer, latest func() *gitindex.Snapshot, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) error {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return register(registry, &state{
		latest:      latest,
		certificate: certificate,

		ready:    describe("gitonly_source_ready", "1 if every path of the source is rendered from its newest revision, else 0.", "source"),
		checked:  describe("gitonly_source_checked_timestamp_seconds", "When the source was last looked at successfully; 0 if never.", "source"),
		interval: describe("gitonly_source_interval_seconds", "How often the source is looked at while nothing goes wrong.", "source"),
		objects:  describe("gitonly_source_objects", "Objects that the source declares.", "source"),
		bytes:    describe("gitonly_source_bytes", "Size of these objects, as JSON.", "source"),
		revision: describe("gitonly_source_revision_info", "1, with the revision that the source was last fetched at.", "source", "revision"),
		expiry:   describe("gitonly_certificate_expiry_timestamp_seconds", "When the certificate that is served expires."),
	})
}

// FollowRegistration registers whether the registration of this name is there: 1
// if it is, 0 if it is gone, -1 where that can't be read.
func FollowRegistration(registry prometheus.Registerer, name string, present func() int) error {
	return register(registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "gitonly_webhook_registration_present",
		Help:        "1 if the registration is there, 0 if it is gone, -1 if that can't be read.",
		ConstLabels: prometheus.Labels{"registration": name},
	}, func() float64 { return float64(present()) }))
}

type state struct {
	latest      func() *gitindex.Snapshot
	certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	ready, checked, interval, objects, bytes, revision *prometheus.Desc // by source
	expiry                                             *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *state) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.ready, s.checked, s.interval, s.objects, s.bytes, s.revision, s.expiry} {
		all <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	sources := s.latest().Sources()
	for i := range sources {
		source := &sources[i]
		name := source.Source.Name
		objects, bytes := source.Size()
		ready := 0.0
		if source.Ready() {
			ready = 1
		}
		gauge(s.ready, ready, name)
		gauge(s.checked, seconds(source.CheckedAt), name)
		gauge(s.interval, source.Source.Interval.Seconds(), name)
		gauge(s.objects, float64(objects), name)
		gauge(s.bytes, float64(bytes), name)
		if source.Revision.Commit != "" {
			gauge(s.revision, 1, name, strings.ToValidUTF8(source.Revision.Short(), "?")) // Git takes any bytes for a name
		}
	}
	if served, err := s.certificate(nil); err == nil && served != nil && served.Leaf != nil { // else readiness says why
		gauge(s.expiry, seconds(served.Leaf.NotAfter))
	}
}

// seconds is a time as Prometheus has it; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
