package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	kjson "sigs.k8s.io/json"
)

const (
	// reviewBytes is how large a review may be. The API server takes a request
	// of 3 MiB and etcd an object of 1.5 MiB; in a review, where a < is \u003c,
	// they may be six times as large. The rest is for what mutators add.
	reviewBytes = 32 << 20

	// placeBytes are what a request may bring for one place.
	placeBytes = 512 << 10

	// defaultTimeout is that of a registration that says nothing.
	defaultTimeout = 10 * time.Second
)

// Endpoint answers the API server's calls. What it can't take in it answers
// too, as the policies want what can't be decided.
type Endpoint struct {
	handler *Handler
	places  *semaphore.Weighted
	count   int64
	unread  *prometheus.CounterVec
}

// NewEndpoint returns an endpoint that decides so many requests at once, a large
// one counting as several: one for each 512 KiB. Others wait.
func NewEndpoint(handler *Handler, concurrency int, metrics prometheus.Registerer) (*Endpoint, error) {
	e := &Endpoint{
		handler: handler,
		count:   int64(concurrency),
		places:  semaphore.NewWeighted(int64(concurrency)),
		unread: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gitonly_reviews_unread_total",
			Help: "Requests that were answered without a look at their objects, as undecidable, by cause: Busy or TooLarge.",
		}, []string{"cause"}),
	}
	if err := metrics.Register(e.unread); err != nil {
		return nil, fmt.Errorf("registering gitonly's metrics: %w", err)
	}
	for _, cause := range []string{causeBusy, causeTooLarge} {
		e.unread.WithLabelValues(cause)
	}
	return e, nil
}

const causeBusy, causeTooLarge = "Busy", "TooLarge"

var errTooLarge = fmt.Errorf("its review is larger than %d MiB", reviewBytes>>20)

// ServeHTTP answers one review. If it breaks, the registration's failurePolicy
// decides.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if fault := recover(); fault != nil {
			e.handler.broke("answering", "", fault)
			http.Error(w, "gitonly: answering broke: its log says why", http.StatusInternalServerError)
		}
	}()
	ctx, span := e.handler.traced(r)
	defer span.End()
	timeout := timeoutOf(r)
	// The answer has to be there before the API server gives up on it.
	ctx, cancel := context.WithTimeout(ctx, timeout*9/10)
	defer cancel()
	if r.ContentLength > reviewBytes {
		e.skim(ctx, w, r.Body, causeTooLarge, errTooLarge)
		return
	}
	places := e.placesFor(r.ContentLength)
	if err := e.enter(ctx, places, timeout/2); err != nil {
		e.skim(ctx, w, r.Body, causeBusy, err)
		return
	}
	defer e.places.Release(places)
	e.decide(ctx, w, r)
}

// placesFor is how many places a review of this size takes; -1 is any size.
func (e *Endpoint) placesFor(size int64) int64 {
	if size < 0 {
		size = reviewBytes
	}
	return min(1+size/placeBytes, e.count)
}

// enter waits for places.
func (e *Endpoint) enter(ctx context.Context, places int64, patience time.Duration) error {
	if e.places.TryAcquire(places) {
		return nil // it takes no timer
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if e.places.Acquire(ctx, places) != nil {
		return fmt.Errorf("gitonly is busy with other requests (--max-concurrent-requests=%d)", e.count)
	}
	return nil
}

// decide answers a review after a look at all of it.
func (e *Endpoint) decide(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	body, err := readAll(io.LimitReader(r.Body, reviewBytes+1), r.ContentLength)
	if err != nil {
		unreadable(w, fmt.Errorf("reading the AdmissionReview: %w", err))
		return
	}
	if len(body) > reviewBytes {
		e.skim(ctx, w, io.MultiReader(bytes.NewReader(body), r.Body), causeTooLarge, errTooLarge)
		return
	}
	var review admissionv1.AdmissionReview
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &review); err != nil {
		unreadable(w, fmt.Errorf("reading the AdmissionReview: %w", err))
		return
	}
	request, err := requestIn(&review)
	if err != nil {
		unreadable(w, err)
		return
	}
	e.answer(w, &review, e.handler.Handle(ctx, request))
}

// skim answers a review without its objects.
func (e *Endpoint) skim(ctx context.Context, w http.ResponseWriter, body io.Reader, cause string, problem error) {
	e.unread.WithLabelValues(cause).Inc()
	review, err := readEnvelope(body)
	if err != nil {
		unreadable(w, fmt.Errorf("%w: %w", problem, err))
		return
	}
	request, err := requestIn(review)
	if err != nil {
		unreadable(w, err)
		return
	}
	e.answer(w, review, e.handler.undecided(ctx, &request.AdmissionRequest, problem))
}

// requestIn is what a review asks.
func requestIn(review *admissionv1.AdmissionReview) (admission.Request, error) {
	group, _, _ := strings.Cut(review.APIVersion, "/")
	if review.Kind != "AdmissionReview" || group != admissionv1.GroupName {
		return admission.Request{}, fmt.Errorf("this is no AdmissionReview of %s", admissionv1.SchemeGroupVersion)
	}
	if review.Request == nil {
		return admission.Request{}, nil
	}
	return admission.Request{AdmissionRequest: *review.Request}, nil
}

// answer writes a response in the version that was asked in.
func (e *Endpoint) answer(w http.ResponseWriter, review *admissionv1.AdmissionReview, response admission.Response) {
	answer := admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: &response.AdmissionResponse}
	if review.Request != nil {
		answer.Response.UID = review.Request.UID
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		e.handler.Log.Error(err, "writing an answer", "uid", answer.Response.UID)
	}
}

// unreadable answers what is no review: failurePolicy is what counts then.
func unreadable(w http.ResponseWriter, problem error) {
	http.Error(w, "gitonly: "+problem.Error(), http.StatusBadRequest)
}

// readAll reads r, which has so many bytes; -1 is any number.
func readAll(r io.Reader, size int64) ([]byte, error) {
	var body bytes.Buffer
	if size > 0 {
		body.Grow(int(size) + bytes.MinRead)
	}
	_, err := body.ReadFrom(r)
	return body.Bytes(), err
}

// timeoutOf is how long the API server waits for an answer.
func timeoutOf(r *http.Request) time.Duration {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return defaultTimeout
	}
	return timeout
}
