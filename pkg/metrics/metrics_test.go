package metrics_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/metrics"
	"gitonly.dev/gitonly/pkg/policy"
)

var (
	_ admission.Meter = &metrics.Metrics{}
	_ gitindex.Meter  = &metrics.Metrics{}
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// has compares metrics with what Prometheus would read.
func has(t *testing.T, registry prometheus.Gatherer, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestDecisionsAreCounted(t *testing.T) {
	m, registry := newMetrics(t)
	refused := policy.Verdict{Outcome: policy.Deny, Reason: policy.DeclaredFieldChanged, Mode: v1alpha1.ModeEnforce, Policy: "everything"}
	m.Decided(refused, policy.Update)
	m.Decided(refused, policy.Update)
	m.Decided(policy.Verdict{Outcome: policy.Allow, Reason: policy.NotGuarded}, policy.Connect)
	m.Decided(policy.Verdict{Outcome: policy.Warn, Reason: policy.Undecidable, Mode: v1alpha1.ModeAudit}, "made up")
	m.Decided(policy.Verdict{Outcome: policy.Deny, Reason: policy.Undecidable, Mode: v1alpha1.ModeEnforce}, policy.Delete)
	has(t, registry, `
# HELP gitonly_admission_requests_total Requests that were decided, dry runs too.
# TYPE gitonly_admission_requests_total counter
gitonly_admission_requests_total{mode="",operation="CONNECT",outcome="Allow",reason="NotGuarded"} 1
gitonly_admission_requests_total{mode="Audit",operation="",outcome="Warn",reason="Undecidable"} 1
gitonly_admission_requests_total{mode="Audit",operation="CONNECT",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Audit",operation="CREATE",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Audit",operation="DELETE",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Audit",operation="UPDATE",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="CONNECT",outcome="Deny",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="CONNECT",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="CREATE",outcome="Deny",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="CREATE",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="DELETE",outcome="Deny",reason="Undecidable"} 1
gitonly_admission_requests_total{mode="Enforce",operation="DELETE",outcome="Warn",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="UPDATE",outcome="Deny",reason="DeclaredFieldChanged"} 2
gitonly_admission_requests_total{mode="Enforce",operation="UPDATE",outcome="Deny",reason="Undecidable"} 0
gitonly_admission_requests_total{mode="Enforce",operation="UPDATE",outcome="Warn",reason="Undecidable"} 0
`, "gitonly_admission_requests_total")
}

func TestLooksAreCountedBySourceUntilItIsGone(t *testing.T) {
	m, registry := newMetrics(t)
	names := []string{
		"gitonly_source_fetch_duration_seconds", "gitonly_source_fetch_errors_total",
		"gitonly_source_render_duration_seconds", "gitonly_source_render_errors_total",
	}
	m.Fetched("infra", time.Second, nil)
	m.Fetched("infra", 3*time.Second, errors.New("the server is away"))
	m.Rendered("infra", 250*time.Millisecond, errors.New("no such file"))
	has(t, registry, `
# HELP gitonly_source_fetch_duration_seconds How long looks at a source took, up to having its files.
# TYPE gitonly_source_fetch_duration_seconds summary
gitonly_source_fetch_duration_seconds_sum{source="infra"} 4
gitonly_source_fetch_duration_seconds_count{source="infra"} 2
# HELP gitonly_source_fetch_errors_total Looks at a source that went wrong before anything was rendered.
# TYPE gitonly_source_fetch_errors_total counter
gitonly_source_fetch_errors_total{source="infra"} 1
# HELP gitonly_source_render_duration_seconds How long renderings of a source's paths took.
# TYPE gitonly_source_render_duration_seconds summary
gitonly_source_render_duration_seconds_sum{source="infra"} 0.25
gitonly_source_render_duration_seconds_count{source="infra"} 1
# HELP gitonly_source_render_errors_total Renderings of a source's paths that went wrong.
# TYPE gitonly_source_render_errors_total counter
gitonly_source_render_errors_total{source="infra"} 1
`, names...)
	m.Forget("infra")
	has(t, registry, "", names...)
}

// states are a source that is as it should be, one that is behind, one that only
// the agent renders, and one that was never reached.
func states() []gitindex.SourceState {
	revision := gitindex.Revision{Name: "main", Commit: "4f2c1ab93d"}
	object := gitindex.Declared{Key: gitindex.Key{Kind: "ConfigMap", Namespace: "staging", Name: "settings"}, Manifest: gitindex.NewManifest([]byte(`{"data":{}}`))}
	source := func(name string) gitindex.Source {
		return gitindex.Source{Name: name, Interval: 5 * time.Minute, Locations: []gitindex.Location{{Path: "apps"}}}
	}
	recorded := source("recorded")
	recorded.Locations[0].Render = gitindex.Unrendered
	recorded.Recorded = []gitindex.Recorded{{Key: object.Key}, {Key: gitindex.Key{Kind: "Service", Namespace: "staging", Name: "web"}}}
	return []gitindex.SourceState{
		{Source: source("good"), Revision: revision, CheckedAt: noon, Locations: []gitindex.LocationState{{Revision: revision, Objects: []gitindex.Declared{object}}}},
		{Source: source("broken"), Revision: revision, CheckedAt: noon, Locations: []gitindex.LocationState{{Revision: revision, Objects: []gitindex.Declared{object}, Err: errors.New("invalid YAML")}}},
		{Source: recorded, Revision: gitindex.Revision{Name: "v1\xff", Commit: "4f2c1ab93d"}, CheckedAt: noon, Locations: []gitindex.LocationState{{}}},
		{Source: source("unknown"), Err: errors.New("no such host"), Locations: []gitindex.LocationState{{}}},
	}
}

func TestStateIsWhatItIsWhenAsked(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	var snapshot *gitindex.Snapshot
	certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Leaf: &x509.Certificate{NotAfter: noon.Add(time.Hour)}}, nil
	}
	if err := metrics.Follow(registry, func() *gitindex.Snapshot { return snapshot }, certificate); err != nil {
		t.Fatal(err)
	}
	const expiry = `
# HELP gitonly_certificate_expiry_timestamp_seconds When the certificate that is served expires.
# TYPE gitonly_certificate_expiry_timestamp_seconds gauge
gitonly_certificate_expiry_timestamp_seconds 1.7723700e+09
`
	has(t, registry, expiry)

	snapshot = gitindex.NewSnapshot(states())
	has(t, registry, expiry+`
# HELP gitonly_source_bytes Size of these objects, as JSON.
# TYPE gitonly_source_bytes gauge
gitonly_source_bytes{source="broken"} 11
gitonly_source_bytes{source="good"} 11
gitonly_source_bytes{source="recorded"} 0
gitonly_source_bytes{source="unknown"} 0
# HELP gitonly_source_checked_timestamp_seconds When the source was last looked at successfully; 0 if never.
# TYPE gitonly_source_checked_timestamp_seconds gauge
gitonly_source_checked_timestamp_seconds{source="broken"} 1.7723664e+09
gitonly_source_checked_timestamp_seconds{source="good"} 1.7723664e+09
gitonly_source_checked_timestamp_seconds{source="recorded"} 1.7723664e+09
gitonly_source_checked_timestamp_seconds{source="unknown"} 0
# HELP gitonly_source_interval_seconds How often the source is looked at while nothing goes wrong.
# TYPE gitonly_source_interval_seconds gauge
gitonly_source_interval_seconds{source="broken"} 300
gitonly_source_interval_seconds{source="good"} 300
gitonly_source_interval_seconds{source="recorded"} 300
gitonly_source_interval_seconds{source="unknown"} 300
# HELP gitonly_source_objects Objects that the source declares.
# TYPE gitonly_source_objects gauge
gitonly_source_objects{source="broken"} 1
gitonly_source_objects{source="good"} 1
gitonly_source_objects{source="recorded"} 2
gitonly_source_objects{source="unknown"} 0
# HELP gitonly_source_ready 1 if every path of the source is rendered from its newest revision, else 0.
# TYPE gitonly_source_ready gauge
gitonly_source_ready{source="broken"} 0
gitonly_source_ready{source="good"} 1
gitonly_source_ready{source="recorded"} 1
gitonly_source_ready{source="unknown"} 0
# HELP gitonly_source_revision_info 1, with the revision that the source was last fetched at.
# TYPE gitonly_source_revision_info gauge
gitonly_source_revision_info{revision="main@4f2c1ab",source="broken"} 1
gitonly_source_revision_info{revision="main@4f2c1ab",source="good"} 1
gitonly_source_revision_info{revision="v1?@4f2c1ab",source="recorded"} 1
`)
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	m, registry := newMetrics(t)
	m.Decided(policy.Verdict{}, policy.Create)
	m.Fetched("infra", time.Second, nil)
	m.Rendered("infra", time.Second, nil)
	err := metrics.Follow(registry, func() *gitindex.Snapshot { return gitindex.NewSnapshot(states()) },
		func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("unreadable") })
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestTheSameMetricsCantBeRegisteredTwice(t *testing.T) {
	_, registry := newMetrics(t)
	if _, err := metrics.New(registry); err == nil || err.Error() != "registering metrics: duplicate metrics collector registration attempted" {
		t.Errorf("error: %v", err)
	}
}
