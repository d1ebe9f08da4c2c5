package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/e2e/stage"
)

// balancer stands between the API server and replicas of a webhook, as a Service
// does: they answer in turn. Where one is gone it asks the next the same, and so it
// does now and then where one has answered: as if the answer had been lost.
type balancer struct {
	replicas []*stage.Webhook
	told     func(reason string) // called before the API server is told; nil if nobody minds

	mu      sync.Mutex
	next    int
	answers []answer
}

// answer is what the API server was told of a request.
type answer struct {
	uid     types.UID
	replica int
	reason  string
	dryRun  bool
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	first := b.next
	b.next++
	b.mu.Unlock()
	lost := first%5 == 0
	for i := range 2 * len(b.replicas) {
		n := (first + i) % len(b.replicas)
		status, answered, err := b.replicas[n].Review(r.Context(), asked)
		if err != nil || !strings.HasPrefix(status, "200") {
			continue
		}
		if lost {
			lost = false
			continue
		}
		if reason := b.note(n, asked, answered); b.told != nil {
			b.told(reason)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answered)
		return
	}
	http.Error(w, "no replica answers", http.StatusServiceUnavailable)
}

// note keeps what the API server will be told, and returns the reason.
func (b *balancer) note(replica int, asked, answered []byte) string {
	var question, told admissionv1.AdmissionReview
	if json.Unmarshal(asked, &question) != nil || json.Unmarshal(answered, &told) != nil || told.Response == nil {
		return ""
	}
	reason := told.Response.AuditAnnotations["reason"]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, answer{
		uid: question.Request.UID, replica: replica, reason: reason,
		dryRun: question.Request.DryRun != nil && *question.Request.DryRun,
	})
	return reason
}

// that returns the answers with one of the reasons, of dry runs or of all others.
func (b *balancer) that(dryRun bool, reasons ...string) []answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []answer
	for _, a := range b.answers {
		for _, reason := range reasons {
			if a.dryRun == dryRun && a.reason == reason {
				found = append(found, a)
			}
		}
	}
	return found
}
