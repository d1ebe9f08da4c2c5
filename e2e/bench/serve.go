package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// deployments are those that the server's index declares.
var deployments = map[string]workload.Size{"small": workload.Small, "large": workload.Large}

// sidesKept is that of cmd/webhook.
const sidesKept = 4 << 20

// serve answers AdmissionReviews at /enforce and /audit over HTTPS, as gitonly
// or allowing all, and says at /usage what the process used. With a message, what
// the patch "refused" writes is refused with it instead of being allowed. It
// prints its address, and stops with its standard input.
func serve(ctx context.Context, gitonly bool, message string) error {
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	mux := http.NewServeMux()
	var reviews atomic.Int64
	mux.HandleFunc("/usage", func(w http.ResponseWriter, _ *http.Request) {
		u := used()
		u.Reviews = reviews.Load()
		_ = json.NewEncoder(w).Encode(u)
	})
	var index gitindex.Index
	index.Publish(gitindex.NewSnapshot([]gitindex.SourceState{workload.Named(deployments, 1000, 2048)}))
	types, err := builtin.Types()
	if err != nil {
		return err
	}
	types = types.Keeping(sidesKept)
	for path, mode := range map[string]v1alpha1.Mode{"/enforce": v1alpha1.ModeEnforce, "/audit": v1alpha1.ModeAudit} {
		p, err := workload.Policy(types, mode)
		if err != nil {
			return err
		}
		if !gitonly {
			mux.Handle(path, &crwebhook.Webhook{Handler: crwebhook.HandlerFunc(func(_ context.Context, review crwebhook.Request) crwebhook.Response {
				reviews.Add(1)
				if message != "" && bytes.Contains(review.Object.Raw, []byte(refusedText)) {
					return crwebhook.Denied(message)
				}
				return crwebhook.Allowed("")
			})})
			continue
		}
		endpoint, err := endpoint(&index, p)
		if err != nil {
			return err
		}
		mux.Handle(path, endpoint)
	}
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	server.StartTLS()
	defer server.Close()
	fmt.Println(strings.TrimPrefix(server.URL, "https://"))
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the other end is closed
	return ctx.Err()
}

// endpoint is gitonly's, as cmd/webhook puts it together.
func endpoint(index *gitindex.Index, p policy.Policy) (http.Handler, error) {
	var policies admission.PolicyStore
	policies.Set(p)
	decides, err := admission.NewEndpoint(admission.NewHandler(admission.Parts{
		Snapshots: index, Policies: &policies, Kinds: admission.NewKinds(scheme.Scheme, nil),
		Clock: clock.RealClock{}, Log: ctrl.Log.WithName("admission"),
	}), 100, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	return policies.Guarded(decides), nil
}

// usage is what a process has used.
type usage struct {
	CPU     float64 // seconds of processor time
	Reviews int64   // that were answered otherwise than as gitonly
}

func used() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return usage{CPU: seconds(r.Utime) + seconds(r.Stime)}
}
