package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// checkTimeStep is how far a status lags behind the last look at a source while
// nothing else changes: each look would be a write otherwise.
const checkTimeStep = time.Minute

// Led returns a reconciler that works only while this replica leads.
type Led func(reconcile.Reconciler) reconcile.Reconciler

// Latest returns the newest snapshot, usable or not; nil before the first.
type Latest func() *gitindex.Snapshot

// Discoveries tells what was last found at an agent for a GitSource, and why
// there is nothing newer, or nothing at all; nil and no error before the first
// look.
type Discoveries interface {
	Found(gitSource string) (*discover.Found, error)
}

// sourceStatus writes what became of a source into its GitSource's status.
type sourceStatus struct {
	client      client.Client
	latest      Latest
	discoveries Discoveries
}

// AddSourceStatus makes m write the status of GitSources from the latest
// snapshot, each time that changed says there is a new one, where led lets it.
func AddSourceStatus(m ctrl.Manager, led Led, latest Latest, discoveries Discoveries, changed <-chan event.TypedGenericEvent[client.Object]) error {
	err := ctrl.NewControllerManagedBy(m).Named("gitsource-status").For(&v1alpha1.GitSource{}).
		WatchesRawSource(source.Channel(changed, &handler.EnqueueRequestForObject{})).
		Complete(led(&sourceStatus{client: m.GetClient(), latest: latest, discoveries: discoveries}))
	if err != nil {
		return fmt.Errorf("watching GitSources: %w", err)
	}
	return nil
}

// Reconcile writes one status.
func (s *sourceStatus) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var item v1alpha1.GitSource
	if err := s.client.Get(ctx, request.NamespacedName, &item); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	snapshot := s.latest()
	before := item.DeepCopy()
	if item.Spec.Git == nil {
		found, err := s.discoveries.Found(item.Name)
		setAgentStatus(&item, found, err, snapshot)
	} else if state := snapshot.Source(item.Name); state != nil {
		setStatus(&item, state, snapshot)
	} else {
		return reconcile.Result{}, nil // not taken up yet: its snapshot will come
	}
	item.Status.Replicas = present(item.Status.Replicas, time.Now())
	if !worthWriting(before.Status, item.Status) {
		return reconcile.Result{}, nil
	}
	before.Status.Objects = -1 // a patch leaves out what stays, and a count of 0 may not be written yet
	if err := s.client.Status().Patch(ctx, &item, client.MergeFrom(before)); err != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status of GitSource %s: %w", item.Name, client.IgnoreNotFound(err))
	}
	return reconcile.Result{}, nil
}

func worthWriting(before, after v1alpha1.GitSourceStatus) bool {
	if after.LastCheckTime.Sub(before.LastCheckTime.Time) < checkTimeStep {
		after.LastCheckTime = before.LastCheckTime
	}
	return !equality.Semantic.DeepEqual(before, after)
}

func setStatus(item *v1alpha1.GitSource, state *gitindex.SourceState, snapshot *gitindex.Snapshot) {
	status := &item.Status
	status.ObservedGeneration = item.Generation
	status.From = gitindex.Redact(item.Spec.Git.URL)
	status.Sources, status.Identities = nil, nil
	status.Revision = v1alpha1.Revision{Name: state.Revision.Name, Commit: state.Revision.Commit}
	status.LastCheckTime = metav1.NewTime(state.CheckedAt.Truncate(time.Second))
	status.Objects, status.Paths = 0, nil
	for _, location := range state.Locations {
		path := v1alpha1.PathStatus{
			Path:      location.Location.Path,
			Namespace: location.Location.Namespace,
			Objects:   int32(len(location.Objects)),
			Revision:  location.Revision.Short(),
		}
		if location.Err != nil {
			path.Message = location.Err.Error()
		}
		path.Warnings = location.Warnings()
		path.Warnings = path.Warnings[:min(len(path.Warnings), v1alpha1.MaxWarnings)]
		status.Objects += path.Objects
		status.Paths = append(status.Paths, path)
	}
	status.Conflicts = conflicts(func(source string) bool { return source == item.Name }, snapshot)
	ready := condition(state, status)
	ready.Type, ready.ObservedGeneration = v1alpha1.ConditionReady, item.Generation
	meta.SetStatusCondition(&status.Conditions, ready)
}

// condition says the worst that is wrong with a source.
func condition(state *gitindex.SourceState, status *v1alpha1.GitSourceStatus) metav1.Condition {
	wrong := func(reason, message string) metav1.Condition {
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
	}
	_, unverified := errors.AsType[*gitindex.Unverified](state.Err)
	switch faults := state.Faults(); {
	case unverified:
		return wrong(v1alpha1.ReasonUnverified, faults[0].Error())
	case state.Err != nil:
		return wrong(v1alpha1.ReasonFetchFailed, faults[0].Error())
	case len(faults) > 0:
		return wrong(v1alpha1.ReasonRenderFailed, faults[0].Error())
	}
	if len(status.Conflicts) > 0 {
		return wrong(v1alpha1.ReasonConflict, status.Conflicts[0])
	}
	if state.CheckedAt.IsZero() {
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: "Nothing is fetched yet."}
	}
	return metav1.Condition{
		Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRendered,
		Message: fmt.Sprintf("%s at %s.%s", counted(status.Objects, "object"), state.Revision.Short(), firstWarning(status)),
	}
}

// firstWarning is one of the warnings, as what follows a sentence; empty if
// there is none.
func firstWarning(status *v1alpha1.GitSourceStatus) string {
	for _, path := range status.Paths {
		if len(path.Warnings) > 0 {
			return " Warning: " + path.Warnings[0] + "."
		}
	}
	return ""
}

// conflicts are those of the sources that ours says are of interest.
func conflicts(ours func(source string) bool, snapshot *gitindex.Snapshot) []string {
	var messages []string
	for _, c := range snapshot.Conflicts() {
		if (ours(c.Used.Source) || ours(c.Other.Source)) && len(messages) < v1alpha1.MaxConflicts {
			messages = append(messages, c.Error())
		}
	}
	return messages
}

// counted is so many of what a noun names.
func counted[N int | int32](count N, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
