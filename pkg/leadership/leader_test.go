package leadership_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"gitonly.dev/gitonly/pkg/leadership"
)

// leases is an API server that has one Lease, and answers or doesn't.
type leases struct {
	mu    sync.Mutex
	lease map[string]any
	away  bool
}

func (l *leases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case l.away:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.Method == http.MethodGet && l.lease == nil:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`))
		return
	case r.Method != http.MethodGet:
		if err := json.NewDecoder(r.Body).Decode(&l.lease); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(l.lease)
}

func (l *leases) set(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

func (l *leases) holder() any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease["spec"].(map[string]any)["holderIdentity"]
}

// stand has a replica stand for election until stop is called.
func stand(t *testing.T, server *httptest.Server) (leader *leadership.Leader, stop func()) {
	t.Helper()
	config := &rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	leader, err := leadership.NewLeader(config, "gitonly-system", "gitonly-leader",
		leadership.Times{Lease: 10 * time.Second, Renew: 5 * time.Second, Retry: 20 * time.Millisecond}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- leader.Start(ctx) }()
	return leader, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// until waits for what must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never comes that %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func leads(l *leadership.Leader) func() bool { return func() bool { return l.Term() != nil } }

func TestALostLeadComesBack(t *testing.T) {
	api := &leases{}
	server := httptest.NewServer(api)
	defer server.Close()
	leader, stop := stand(t, server)
	until(t, "it leads", leads(leader))

	term := leader.Term()
	api.set(true)
	until(t, "it leads no more", func() bool { return leader.Term() == nil })
	if term.Err() == nil {
		t.Error("the term goes on")
	}
	api.set(false)
	until(t, "it leads again", leads(leader))
	stop()
	if leader.Term() != nil {
		t.Error("it leads after its end")
	}
}

func TestALeaderThatEndsLeavesTheLeadToAnother(t *testing.T) {
	api := &leases{}
	server := httptest.NewServer(api)
	defer server.Close()
	first, stopFirst := stand(t, server)
	until(t, "the first leads", leads(first))
	second, stopSecond := stand(t, server)
	defer stopSecond()
	stopFirst()
	until(t, "the second leads", leads(second))
	if holder, ok := api.holder().(string); !ok || !strings.Contains(holder, "_") {
		t.Errorf("the lease is %v's", api.holder())
	}
}

func TestOnlyTheLeaderReconciles(t *testing.T) {
	api := &leases{away: true}
	server := httptest.NewServer(api)
	defer server.Close()
	leader, stop := stand(t, server)
	defer stop()
	began := make(chan struct{})
	led := leader.Only(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
		close(began)
		<-ctx.Done()
		return reconcile.Result{}, context.Cause(ctx)
	}))

	result, err := led.Reconcile(t.Context(), reconcile.Request{})
	if err != nil || result.RequeueAfter == 0 {
		t.Errorf("who doesn't lead forgets the request: %+v, %v", result, err)
	}

	api.set(false)
	until(t, "it leads", leads(leader))
	ended := make(chan error)
	go func() {
		_, err := led.Reconcile(t.Context(), reconcile.Request{})
		ended <- err
	}()
	<-began
	api.set(true)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("with the lead, what it does ends: %v", err)
	}
}

func TestWithoutElectionEverybodyLeads(t *testing.T) {
	var leader *leadership.Leader
	done := false
	led := leader.Only(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		done = true
		return reconcile.Result{}, nil
	}))
	if _, err := led.Reconcile(t.Context(), reconcile.Request{}); err != nil || !done || leader.Term().Err() != nil {
		t.Errorf("done %t, error %v", done, err)
	}
}
