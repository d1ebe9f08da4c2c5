// Package reports keeps PolicyReports (wgpolicyk8s.io) of what departs from Git as
// Audit mode let it, for the dashboards that show such reports.
package reports

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// writeInterval is how often reports are written: many departures in it make one
// write a namespace.
const writeInterval = 10 * time.Second

// Reporter writes one report a namespace, named gitonly, and one of objects
// without a namespace. All replicas write to the same: each knows only of the
// requests that it was asked about.
type Reporter struct {
	client client.Client // no cache
	log    logr.Logger

	mu      sync.Mutex
	changes map[string]map[gitindex.Key]*result // by namespace; nil for an object that has no result any more
}

// Add has each replica of m write reports through c, which must not be a cache.
// A cluster that doesn't know them gets none: nil is returned, and the log says
// so.
func Add(m ctrl.Manager, c client.Client, log logr.Logger) (*Reporter, error) {
	_, err := m.GetRESTMapper().RESTMapping(kindOf("default").GroupKind(), groupVersion.Version)
	if meta.IsNoMatchError(err) {
		log.Info("no PolicyReports are written: the cluster has no such kind; install its CustomResourceDefinitions, and restart", "apiVersion", groupVersion.String())
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the kind PolicyReport: %w", err)
	}
	r := newReporter(c, log)
	return r, m.Add(r)
}

func newReporter(c client.Client, log logr.Logger) *Reporter {
	return &Reporter{client: c, log: log, changes: map[string]map[gitindex.Key]*result{}}
}

// Departed takes note of an object that departs from Git, though a policy in
// Audit mode says that it shouldn't.
func (r *Reporter) Departed(d admission.Departure) {
	r.change(d.Key, &result{
		Source: reportName, Policy: d.Policy, Rule: string(d.Reason), Result: "fail", Scored: true, Message: d.Message,
		Resources: []subject{{APIVersion: d.APIVersion, Kind: d.Key.Kind, Namespace: d.Key.Namespace, Name: d.Key.Name, UID: string(d.UID)}},
		Timestamp: timestamp{Seconds: d.At.Unix()},
	})
}

// Returned takes note of an object that is as Git has it again, or is gone.
func (r *Reporter) Returned(key gitindex.Key) { r.change(key, nil) }

func (r *Reporter) change(key gitindex.Key, to *result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes[key.Namespace] == nil {
		r.changes[key.Namespace] = map[gitindex.Key]*result{}
	}
	r.changes[key.Namespace][key] = to
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica
// writes what it knows.
func (r *Reporter) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable: it writes until ctx ends.
func (r *Reporter) Start(ctx context.Context) error {
	ticker := time.NewTicker(writeInterval)
	defer ticker.Stop()
	complaint := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := r.write(ctx)
		if err != nil && err.Error() != complaint && ctx.Err() == nil {
			r.log.Error(err, "PolicyReports are not up to date")
		}
		complaint = fmt.Sprint(err)
	}
}

// write brings reports up to date. What can't be written is kept for the next
// time.
func (r *Reporter) write(ctx context.Context) error {
	r.mu.Lock()
	all := r.changes
	r.changes = map[string]map[gitindex.Key]*result{}
	r.mu.Unlock()
	var problems []error
	for _, namespace := range slices.Sorted(maps.Keys(all)) {
		if err := r.update(ctx, namespace, all[namespace]); err != nil {
			problems = append(problems, err)
			r.keep(namespace, all[namespace])
		}
	}
	return errors.Join(problems...)
}

// keep takes back changes that weren't written, but for those that are out of
// date by now. They are no more than a report can hold.
func (r *Reporter) keep(namespace string, changes map[gitindex.Key]*result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes[namespace] == nil {
		r.changes[namespace] = map[gitindex.Key]*result{}
	}
	for key, to := range changes {
		if _, newer := r.changes[namespace][key]; !newer && len(r.changes[namespace]) < maxResults {
			r.changes[namespace][key] = to
		}
	}
}

// update brings a namespace's report up to date, whoever else does so meanwhile.
func (r *Reporter) update(ctx context.Context, namespace string, changes map[gitindex.Key]*result) error {
	kind := kindOf(namespace)
	again := func(err error) bool {
		return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
	}
	err := retry.OnError(retry.DefaultBackoff, again, func() error {
		report := &unstructured.Unstructured{}
		report.SetGroupVersionKind(kind)
		err := r.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: reportName}, report)
		fresh := apierrors.IsNotFound(err)
		if err != nil && !fresh {
			return err
		}
		before, err := read(report)
		if err != nil {
			return err
		}
		after, changed := with(before, changes)
		if !changed {
			return nil
		}
		if err := write(report, after); err != nil {
			return err
		}
		if !fresh {
			return r.client.Update(ctx, report)
		}
		report.SetNamespace(namespace)
		report.SetName(reportName)
		return r.client.Create(ctx, report)
	})
	switch {
	case err == nil, apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause), apierrors.IsNotFound(err):
		return nil // the namespace is going away, or is gone
	case namespace == "":
		return fmt.Errorf("writing ClusterPolicyReport %s: %w", reportName, err)
	}
	return fmt.Errorf("writing PolicyReport %s/%s: %w", namespace, reportName, err)
}
