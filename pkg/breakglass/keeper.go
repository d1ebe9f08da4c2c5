package breakglass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// lookInterval is how often an open emergency is looked at: Git may have caught
// up, or its annotation may be gone.
const lookInterval = 5 * time.Second

// keeper closes emergencies that are over, and removes old records. The leader
// alone runs it.
type keeper struct {
	client  client.Client // with the cache
	live    client.Reader // without
	mapper  meta.RESTMapper
	policy  func() policy.Policy
	current func() *gitindex.Snapshot
	teller  *Teller
	clock   clock.PassiveClock
	log     logr.Logger
	noticed map[string]notice // by names of records
}

// notice is when the leader first saw the latest use of an emergency: the use's own
// time is by the clock of another replica.
type notice struct {
	use types.UID
	at  time.Time
}

// AddKeeper makes m close emergencies, where led lets it: it returns a reconciler
// that works only while this replica leads. policy and current are what is
// decided by. A cluster without the kind BreakGlass has none to close.
func AddKeeper(m ctrl.Manager, led func(reconcile.Reconciler) reconcile.Reconciler, policy func() policy.Policy, current func() *gitindex.Snapshot, teller *Teller, log logr.Logger) error {
	_, err := m.GetRESTMapper().RESTMapping(v1alpha1.GroupVersion.WithKind(v1alpha1.BreakGlassKind).GroupKind())
	if meta.IsNoMatchError(err) {
		log.Info("emergencies won't be recorded, nor closed: the cluster has no kind BreakGlass; apply gitonly's config/crd, and restart")
		return nil
	}
	k := &keeper{
		client: m.GetClient(), live: m.GetAPIReader(), mapper: m.GetRESTMapper(), policy: policy, current: current,
		teller: teller, clock: clock.RealClock{}, log: log, noticed: map[string]notice{},
	}
	if err := ctrl.NewControllerManagedBy(m).Named("breakglass").For(&v1alpha1.BreakGlass{}).Complete(led(k)); err != nil {
		return fmt.Errorf("watching BreakGlasses: %w", err)
	}
	return nil
}

// Reconcile looks at one record.
func (k *keeper) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if err := k.count(ctx); err != nil {
		return reconcile.Result{}, err
	}
	var record v1alpha1.BreakGlass
	if err := k.client.Get(ctx, request.NamespacedName, &record); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if record.IsOpen() {
		return k.look(ctx, &record)
	}
	if isUnreported(&record) && k.current() != nil {
		if err := k.report(ctx, &record); err != nil {
			return reconcile.Result{}, err
		}
	}
	return k.forget(ctx, &record)
}

func (k *keeper) count(ctx context.Context) error {
	var list v1alpha1.BreakGlassList
	if err := k.client.List(ctx, &list); err != nil {
		return fmt.Errorf("listing BreakGlasses: %w", err)
	}
	found := census{at: k.clock.Now()}
	for i := range list.Items {
		record := &list.Items[i]
		if !record.IsOpen() {
			continue
		}
		found.open++
		if began := record.Spec.From.Time; found.open == 1 || began.Before(found.oldest) {
			found.oldest = began
		}
	}
	k.teller.census.Store(&found)
	return nil
}

// look closes the record of an emergency that is over.
func (k *keeper) look(ctx context.Context, record *v1alpha1.BreakGlass) (reconcile.Result, error) {
	before := record.DeepCopy()
	now := k.clock.Now()
	status := &record.Status
	status.Object = keyOf(record.Spec.Object).String()
	var waits string
	status.State, waits = openState(record)
	remains, caughtUp, problem := k.departures(ctx, record)
	status.Message = said(remains, problem)
	settled := k.isSettled(record)
	var gone string
	var err error
	if settled {
		gone, err = k.gone(ctx, record)
	}
	switch {
	case !now.Before(record.Spec.Until.Time):
		status.State = v1alpha1.BreakGlassExpired
		if waits != "" {
			status.Message = strings.TrimSpace("Too few others agreed. " + status.Message)
		}
	case settled && caughtUp:
		status.State, status.Message = v1alpha1.BreakGlassReconciled, "Git says now what was changed."
	case err != nil:
		return reconcile.Result{}, err
	case gone != "":
		status.State = v1alpha1.BreakGlassEnded
		status.Message = strings.TrimSpace(gone + " " + status.Message)
	default:
		status.Message = strings.TrimSpace(waits + " " + status.Message)
	}
	wait := min(lookInterval, record.Spec.Until.Sub(now))
	if equality.Semantic.DeepEqual(before.Status, *status) {
		return reconcile.Result{RequeueAfter: max(wait, time.Millisecond)}, nil
	}
	if !record.IsOpen() {
		ended := seconds(now)
		if record.Spec.Until.Before(&ended) {
			ended = record.Spec.Until
		}
		status.EndedAt = &ended
	}
	if err := k.client.Status().Update(ctx, record); err != nil {
		if apierrors.IsConflict(err) {
			return reconcile.Result{RequeueAfter: 100 * time.Millisecond}, nil
		}
		return reconcile.Result{}, fmt.Errorf("writing the status of BreakGlass %s: %w", record.Name, client.IgnoreNotFound(err))
	}
	if !record.IsOpen() {
		k.tell(record)
		return k.forget(ctx, record)
	}
	return reconcile.Result{RequeueAfter: max(wait, time.Millisecond)}, nil
}

// said is what still departs from Git, and of what that can't be told.
func said(remains []string, problem error) string {
	const shown = 5
	var text []string
	if len(remains) > 0 {
		departs := "Departs from Git: " + strings.Join(remains[:min(len(remains), shown)], "; ")
		if len(remains) > shown {
			departs += fmt.Sprintf("; and %d more", len(remains)-shown)
		}
		text = append(text, departs+".")
	}
	if problem != nil {
		text = append(text, "What departs from Git can't be told: "+strings.ReplaceAll(problem.Error(), "\n", "; ")+".")
	}
	return strings.Join(text, " ")
}

func (k *keeper) tell(record *v1alpha1.BreakGlass) {
	text := fmt.Sprintf("BreakGlass %s is over: %s. %s", record.Name, record.Status.State, record.Status.Message)
	k.teller.say(keyOf(record.Spec.Object), "", record.Spec.Object.UID, record.Name, corev1.EventTypeNormal, "BreakGlass"+string(record.Status.State), "Close", strings.TrimSpace(text))
	k.log.Info("an emergency is over", "breakGlass", record.Name, "object", record.Status.Object, "state", record.Status.State, "message", record.Status.Message)
}

// departures are the fields that were changed and depart from Git now. caughtUp
// is true if there are none, and Git has moved since. The error is of what can't
// be told: the rest counts all the same.
func (k *keeper) departures(ctx context.Context, record *v1alpha1.BreakGlass) (remains []string, caughtUp bool, problem error) {
	snapshot, p := k.current(), k.policy()
	if snapshot == nil {
		return nil, false, nil
	}
	moved := false
	for _, change := range record.Status.Changes {
		key := keyOf(change.Object)
		version, live, err := k.read(ctx, key)
		if err != nil {
			problem = errors.Join(problem, err)
			continue
		}
		paths := change.Fields
		if change.Deleted {
			paths = []string{"*"}
		}
		found, err := policy.Departures(p.Types, snapshot, key, version, live, paths)
		if err != nil {
			problem = errors.Join(problem, err)
			continue
		}
		for _, path := range found {
			remains = append(remains, strings.TrimSuffix(key.String()+" "+path, " *"))
		}
		commit := ""
		if declared := snapshot.Lookup(key); declared != nil {
			commit = declared.Origin.Revision.Commit
		}
		moved = moved || commit != change.Revision
	}
	return remains, moved && len(remains) == 0 && problem == nil, problem
}

// read returns an object as JSON; nil if it isn't there.
func (k *keeper) read(ctx context.Context, key gitindex.Key) (version string, live []byte, err error) {
	mapping, err := k.mapper.RESTMapping(kschema.GroupKind{Group: key.Group, Kind: key.Kind})
	switch {
	case meta.IsNoMatchError(err):
		return "", nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("finding the kind of %s: %w", key, err)
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(mapping.GroupVersionKind)
	err = k.live.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return mapping.GroupVersionKind.Version, nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("reading %s: %w", key, err)
	}
	live, err = object.MarshalJSON()
	return mapping.GroupVersionKind.Version, live, err
}

// settleTime is how long a request that was recorded may take to be stored.
const settleTime = 30 * time.Second

// isSettled reports whether all that was recorded is stored by now, or never will be:
// until then the object that is read may be older than the record.
func (k *keeper) isSettled(record *v1alpha1.BreakGlass) bool {
	uses := record.Status.Uses
	if len(uses) == 0 {
		return false
	}
	latest := uses[len(uses)-1].UID
	if k.noticed[record.Name].use != latest {
		k.noticed[record.Name] = notice{latest, k.clock.Now()}
	}
	return k.clock.Since(k.noticed[record.Name].at) >= settleTime
}

// gone says what is gone of the object that the emergency is of; empty if it has
// its annotation still, or that can't be told.
func (k *keeper) gone(ctx context.Context, record *v1alpha1.BreakGlass) (string, error) {
	key := keyOf(record.Spec.Object)
	_, live, err := k.read(ctx, key)
	switch {
	case apierrors.IsForbidden(err):
		return "", nil // it ends when its time is over
	case err != nil:
		return "", err
	case live == nil:
		return "The object is gone.", nil
	}
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(live); err != nil {
		return "", fmt.Errorf("reading %s: %w", key, err)
	}
	switch {
	case object.GetUID() != record.Spec.Object.UID:
		return "Another object has its name.", nil
	case !policy.AnnotationOf(live).Stands(emergency(record)):
		return "Its annotation is gone.", nil
	}
	return "", nil
}

// forget removes the record of an emergency that was over long ago.
func (k *keeper) forget(ctx context.Context, record *v1alpha1.BreakGlass) (reconcile.Result, error) {
	delete(k.noticed, record.Name)
	keep := k.policy().KeepRecords()
	ended := record.Spec.Until.Time
	if record.Status.EndedAt != nil {
		ended = record.Status.EndedAt.Time
	}
	if left := keep - max(0, k.clock.Since(ended)); left > 0 { // another replica's clock may be ahead
		return reconcile.Result{RequeueAfter: left}, nil
	}
	if err := k.client.Delete(ctx, record); err != nil {
		return reconcile.Result{}, fmt.Errorf("removing BreakGlass %s: %w", record.Name, client.IgnoreNotFound(err))
	}
	return reconcile.Result{}, nil
}
