// Package leadership has one of several replicas do what is to be done once.
// Losing the lead ends that alone: a replica goes on with all else.
package leadership

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Times are those of the lease. They are the control plane's own by default.
type Times struct {
	Lease time.Duration // how long others leave a leader be that says nothing; 15 seconds if zero
	Renew time.Duration // how long a leader tries to renew its lease before it gives up; 10 seconds if zero
	Retry time.Duration // between two tries of anybody; 2 seconds if zero
}

func (t Times) withDefaults() Times {
	for field, fallback := range map[*time.Duration]time.Duration{&t.Lease: 15 * time.Second, &t.Renew: 10 * time.Second, &t.Retry: 2 * time.Second} {
		if *field == 0 {
			*field = fallback
		}
	}
	return t
}

// Leader knows whether this replica leads. Nil stands for one that always does.
type Leader struct {
	config leaderelection.LeaderElectionConfig
	retry  time.Duration
	log    logr.Logger

	mu   sync.Mutex
	term context.Context // ends with the lead; nil while another has it
}

// NewLeader returns a replica that stands for election by a Lease. The API
// server is asked through access.
func NewLeader(access *rest.Config, namespace, lease string, times Times, log logr.Logger) (*Leader, error) {
	times = times.withDefaults()
	access = rest.AddUserAgent(access, "leader-election")
	access.Timeout = times.Renew / 2 // one slow answer shouldn't cost the lead
	client, err := coordination.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("preparing leader election: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("preparing leader election: %w", err)
	}
	l := &Leader{log: log, retry: times.Retry}
	l.config = leaderelection.LeaderElectionConfig{
		Name: lease,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: lease},
			Client:     client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
		},
		LeaseDuration: times.Lease, RenewDeadline: times.Renew, RetryPeriod: times.Retry,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(term context.Context) { l.begin(term) },
			OnStoppedLeading: l.end,
		},
	}
	return l, nil
}

// Start implements manager.Runnable: it stands for election until ctx ends.
func (l *Leader) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		elector, err := leaderelection.NewLeaderElector(l.config)
		if err != nil {
			return fmt.Errorf("preparing leader election: %w", err)
		}
		// It returns when the lead is lost, too.
		elector.Run(logr.NewContext(ctx, l.log))
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (l *Leader) NeedLeaderElection() bool { return false }

func (l *Leader) begin(term context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if term.Err() != nil {
		return // end may have been called before
	}
	l.term = term
	l.log.Info("leading")
}

func (l *Leader) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term != nil {
		l.log.Info("not leading any more")
	}
	l.term = nil
}

// Term returns a context that ends with the lead; nil while this replica
// doesn't lead.
func (l *Leader) Term() context.Context {
	if l == nil {
		return context.Background()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

// Only returns a reconciler that does what next does while this replica leads.
// What it is asked for meanwhile isn't lost.
func (l *Leader) Only(next reconcile.Reconciler) reconcile.Reconciler {
	if l == nil {
		return next
	}
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		term := l.Term()
		if term == nil {
			return reconcile.Result{RequeueAfter: l.retry}, nil
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(term, cancel)()
		return next.Reconcile(ctx, request)
	})
}
