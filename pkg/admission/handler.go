// Package admission answers AdmissionReviews: it gathers what the decision
// needs, lets policy decide, and says the verdict to the API server and the log.
package admission

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Handler answers admission requests. It is safe for concurrent use.
type Handler struct {
	Parts
	announcer *announcer
}

// Parts are what a handler works with.
type Parts struct {
	Snapshots  Snapshots
	Policies   Policies
	Namespaces Namespaces // nil where no cluster is at hand
	Objects    Objects    // nil where no cluster is at hand
	Kinds      *Kinds
	Refresher  Refresher    // nil where nothing is fetched
	Adviser    Adviser      // nil where no cluster is at hand
	Meter      Meter        // nil where nothing is counted
	Tracer     trace.Tracer // nil where nothing is traced
	Events     Events       // nil where no cluster is at hand
	Departures Departures   // nil where nobody keeps account

	// What breaking the glass takes; nil where it can't be broken, as no
	// cluster is at hand.
	Emergencies Emergencies
	Permissions Permissions

	Clock clock.PassiveClock
	Log   logr.Logger
}

// Snapshots is where the current snapshot comes from; nil before the first.
type Snapshots interface{ Current() *gitindex.Snapshot }

// Policies is where the current policy comes from.
type Policies interface{ Current() policy.Policy }

// Namespaces knows the namespaces of the cluster.
type Namespaces interface {
	// Namespace returns what is known of a namespace without asking the API
	// server; nil if nothing is.
	Namespace(name string) *policy.Namespace
}

// Refresher looks at a source in Git at once.
type Refresher interface {
	// Refresh asks for a look. It returns immediately, and may be called often.
	Refresh(source string)
}

// NewHandler returns a handler that works with these parts.
func NewHandler(parts Parts) *Handler {
	if parts.Meter == nil {
		parts.Meter = unmetered{}
	}
	if parts.Tracer == nil {
		parts.Tracer = noop.Tracer{}
	}
	return &Handler{parts, newAnnouncer(parts.Events, parts.Clock)}
}

// Handle decides one request. It never fails: what can't be decided is answered
// as the policies want it.
func (h *Handler) Handle(ctx context.Context, review admission.Request) admission.Response {
	defer h.timed()()
	request, verdict := h.decide(ctx, &review.AdmissionRequest)
	verdict = h.recordEmergency(ctx, &review.AdmissionRequest, &request, verdict)
	response := respond(request.Key, verdict)
	h.aside(review.UID, func() {
		h.trace(ctx, &review.AdmissionRequest, verdict)
		h.record(&review.AdmissionRequest, verdict)
		h.announcer.tell(&request, verdict)
		h.account(&request, verdict)
		h.refresh(verdict)
	})
	if response.Allowed {
		h.aside(review.UID, func() {
			response.Warnings = append(response.Warnings, h.advice(ctx, &review.AdmissionRequest)...)
		})
	}
	return response
}

// undecided answers a request that nobody has looked at, because of a problem,
// as the policies want it.
func (h *Handler) undecided(ctx context.Context, review *admissionv1.AdmissionRequest, problem error) admission.Response {
	request := h.request(review)
	verdict := policy.Undecided(request, h.Policies.Current(), problem)
	h.aside(review.UID, func() {
		h.trace(ctx, review, verdict)
		h.record(review, verdict)
	})
	return respond(request.Key, verdict)
}

// Decide returns the verdict on one request. ctx bounds what has to be read for
// it.
func (h *Handler) Decide(ctx context.Context, review *admissionv1.AdmissionRequest) policy.Verdict {
	_, verdict := h.decide(ctx, review)
	return verdict
}

func (h *Handler) decide(ctx context.Context, review *admissionv1.AdmissionRequest) (request policy.Request, verdict policy.Verdict) {
	p := h.Policies.Current()
	request = policy.Request{User: policy.User{Name: review.UserInfo.Username, Groups: review.UserInfo.Groups}}
	defer func() {
		if fault := recover(); fault != nil {
			verdict = policy.Undecided(request, p, fmt.Errorf("deciding broke: %v", fault))
			h.broke("deciding", review.UID, fault)
		}
	}()
	request = h.request(review)
	snapshot := h.Snapshots.Current()
	h.gather(ctx, review, &request, snapshot, p)
	verdict, again := policy.Consider(request, snapshot, p)
	if h.Emergencies == nil || !policy.AsksForBreakGlass(&request, verdict) {
		return request, verdict
	}
	request.BreakGlass = h.breakGlass(ctx, review, &request, verdict.Actor)
	return request, again(request.BreakGlass)
}

// refresh looks again at what a request was refused by: the commit that allows
// it may have been pushed a moment ago, and a retry should find it.
func (h *Handler) refresh(v policy.Verdict) {
	if h.Refresher == nil || v.Outcome == policy.Allow {
		return
	}
	if v.Declared != nil {
		h.Refresher.Refresh(v.Declared.Origin.Source)
		return
	}
	for _, state := range h.Snapshots.Current().Sources() {
		h.Refresher.Refresh(state.Source.Name)
	}
}

// respond says a verdict on an object as the API server wants it.
func respond(key gitindex.Key, v policy.Verdict) admission.Response {
	response := admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{
		Allowed: v.Outcome != policy.Deny,
		Result:  &metav1.Status{Code: http.StatusOK},
	}}
	if v.Reason == policy.NotGuarded {
		return response
	}
	response.AuditAnnotations = auditAnnotations(v)
	switch v.Outcome {
	case policy.Deny:
		response.Result = &metav1.Status{
			Code:    http.StatusForbidden,
			Reason:  metav1.StatusReasonForbidden,
			Message: v.Message,
		}
	default:
		if v.Message != "" {
			response.Warnings = warnings(key, v)
		}
	}
	return response
}
