package cluster

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
)

// loader loads something once the cache has synced, also where the cluster has
// no object of the kind that would make a controller start.
type loader struct {
	m    ctrl.Manager
	load func(context.Context) error
}

// Start implements manager.Runnable.
func (l *loader) Start(ctx context.Context) error {
	if !l.m.GetCache().WaitForCacheSync(ctx) {
		return nil // ctx ended
	}
	if err := l.load(ctx); err != nil {
		return fmt.Errorf("reading the configuration from the cluster: %w", err)
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica
// decides for itself.
func (l *loader) NeedLeaderElection() bool { return false }
