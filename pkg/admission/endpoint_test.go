package admission_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission/metrics"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// large is a person's update of what Git declares, whose objects have so many
// bytes.
func large(t *testing.T, bytes int) []byte {
	t.Helper()
	object := func(replicas int) []byte {
		return fmt.Appendf(nil, `{"metadata":{"name":"web","annotations":{"note":"%s"}},"spec":{"replicas":%d}}`, strings.Repeat("x", bytes/2), replicas)
	}
	return seed(t, admissionv1.Update, "", object(1), object(5))
}

// unread is an endpoint, and the counts of what it answered without a look.
func unread(t *testing.T, handler *admission.Handler, concurrency int) (*admission.Endpoint, func() string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	e, err := admission.NewEndpoint(handler, concurrency, registry)
	if err != nil {
		t.Fatal(err)
	}
	return e, func() string {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, m := range families[0].GetMetric() {
			fmt.Fprintf(&text, "%s=%v ", m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
		}
		return text.String()
	}
}

func TestAReviewAsLargeAsTheAPIServersIsDecided(t *testing.T) {
	webhook, counts := unread(t, newFixture(t, "mode: Enforce").handler, 64)
	response := post(t, webhook, large(t, 27<<20))
	if response.Allowed || response.AuditAnnotations["reason"] != "DeclaredFieldChanged" || response.UID != "a-1" {
		t.Errorf("allowed %t, %v", response.Allowed, response.AuditAnnotations)
	}
	if got := counts(); got != "Busy=0 TooLarge=0 " {
		t.Error(got)
	}
}

func TestALargerReviewIsUndecidable(t *testing.T) {
	const why = "gitonly: can't decide on Deployment staging/web: its review is larger than 32 MiB.\n"
	body := large(t, 33<<20)
	for spec, want := range map[string]string{
		"{mode: Enforce, undecidable: Deny}":  why + "GuardPolicy test refuses what can't be decided (undecidable: Deny).",
		"{mode: Enforce, undecidable: Allow}": why + "  Deployment staging/web: GuardPolicy test lets it through.",
	} {
		for name, sent := range map[string]io.Reader{"with its length": bytes.NewReader(body), "without": io.MultiReader(bytes.NewReader(body))} {
			webhook, counts := unread(t, newFixture(t, spec).handler, 64)
			recorder := httptest.NewRecorder()
			webhook.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", sent))
			var review admissionv1.AdmissionReview
			if err := json.Unmarshal(recorder.Body.Bytes(), &review); err != nil {
				t.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
			}
			response := review.Response
			got := strings.Join(response.Warnings, "\n")
			if !response.Allowed {
				got = response.Result.Message
			}
			if got != want || response.UID != "a-1" || response.AuditAnnotations["reason"] != "Undecidable" {
				t.Errorf("%s, %s: %s %v\n%s", spec, name, response.UID, response.AuditAnnotations, got)
			}
			if got := counts(); got != "Busy=0 TooLarge=1 " {
				t.Error(got)
			}
		}
	}
}

// gate is a place for snapshots that keeps requests waiting.
type gate struct {
	reached chan struct{}
	open    chan struct{}
	next    admission.Snapshots
}

func (g *gate) Current() *gitindex.Snapshot {
	g.reached <- struct{}{}
	<-g.open
	return g.next.Current()
}

func TestMoreThanCanBeDecidedAtOnceIsUndecidable(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undecidable: Deny}")
	g := &gate{reached: make(chan struct{}), open: make(chan struct{}), next: &f.index}
	f.handler = admission.NewHandler(admission.Parts{
		Snapshots: g, Policies: &f.policies, Kinds: admission.NewKinds(scheme.Scheme, nil), Clock: clocktesting.NewFakePassiveClock(now),
		Log: funcr.NewJSON(func(string) {}, funcr.Options{}),
	})
	webhook, counts := unread(t, f.handler, 1)
	body := seed(t, admissionv1.Update, "", []byte(`{"spec":{"replicas":1}}`), []byte(`{"spec":{"replicas":5}}`))
	first := make(chan *admissionv1.AdmissionResponse)
	go func() { first <- post(t, webhook, body) }()
	<-g.reached

	recorder := httptest.NewRecorder()
	webhook.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10ms", bytes.NewReader(body)))
	var second admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &second); err != nil {
		t.Fatal(err)
	}
	want := "gitonly: can't decide on Deployment staging/web: gitonly is busy with other requests (--max-concurrent-requests=1).\n" +
		"GuardPolicy test refuses what can't be decided (undecidable: Deny)."
	if diff := cmp.Diff(want, second.Response.Result.Message); diff != "" || second.Response.Allowed || second.Response.UID != "a-1" {
		t.Errorf("allowed %t, message (-want +got):\n%s", second.Response.Allowed, diff)
	}
	if got := counts(); got != "Busy=1 TooLarge=0 " {
		t.Error(got)
	}

	go func() { // whoever waits gets its turn
		close(g.open)
		<-g.reached
	}()
	if got := (<-first).AuditAnnotations["reason"]; got != "DeclaredFieldChanged" {
		t.Errorf("the first is %s", got)
	}
	if got := post(t, webhook, body).AuditAnnotations["reason"]; got != "DeclaredFieldChanged" {
		t.Errorf("the next is %s", got)
	}
}

// nothing is a refresher that breaks.
type nothing struct{}

func (nothing) Refresh(string) { panic("no luck") }

func webhookPanics() prometheus.Counter { return metrics.WebhookPanics.WithLabelValues() }

func TestAPanicAfterTheDecisionDoesntChangeIt(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undecidable: Allow}")
	f.handler.Refresher = nothing{}
	panics := testutil.ToFloat64(webhookPanics())
	response := f.ask(t, scaleUp)
	if response.Allowed || response.Result.Message != message {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
	if got := testutil.ToFloat64(webhookPanics()) - panics; got != 1 {
		t.Errorf("%v panics were counted", got)
	}
	if last := f.log[len(f.log)-1]; !strings.Contains(last, `"what follows a decision broke"`) || !strings.Contains(last, "endpoint_test.go") {
		t.Errorf("the log says %s", last)
	}
}

// bodyThatBreaks is one that can't even be read.
type bodyThatBreaks struct{}

func (bodyThatBreaks) Read([]byte) (int, error) { panic("no luck") }

func TestAPanicOutsideOfADecisionIsNoAnswer(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undecidable: Allow}")
	recorder := httptest.NewRecorder()
	endpoint(t, f.handler, 10).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", bodyThatBreaks{}))
	if recorder.Code != http.StatusInternalServerError || recorder.Body.String() != "gitonly: answering broke: its log says why\n" {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	if len(f.log) != 1 || !strings.Contains(f.log[0], "panic: no luck") {
		t.Errorf("log: %s", f.log)
	}
}
