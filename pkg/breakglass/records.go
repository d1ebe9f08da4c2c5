// Package breakglass keeps the records of emergencies in the cluster: it writes
// what was permitted, and closes what is over.
package breakglass

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Records are the cluster's BreakGlasses. They are read and written at the API
// server itself: another replica may have opened an emergency a moment ago.
type Records struct {
	client  client.Client // no cache
	teller  *Teller
	current func() *gitindex.Snapshot

	mu      sync.Mutex
	pending map[types.UID]*policy.Emergency // opened, and not written yet, or never
}

// NewRecords works through c, which must not be a cache, and tells teller of what
// is recorded. current is the snapshot that is decided by.
func NewRecords(c client.Client, teller *Teller, current func() *gitindex.Snapshot) *Records {
	return &Records{client: c, teller: teller, current: current, pending: map[types.UID]*policy.Emergency{}}
}

// Find returns the latest emergency of the object with this UID; nil if there was
// none.
func (r *Records) Find(ctx context.Context, uid types.UID) (*policy.Emergency, error) {
	record, err := r.latest(ctx, uid)
	r.mu.Lock()
	defer r.mu.Unlock()
	if waiting := r.pending[uid]; waiting != nil && (record == nil || record.Spec.From.Time.Before(waiting.From)) {
		return waiting, nil
	}
	if record == nil || err != nil {
		return nil, err
	}
	return emergency(record), nil
}

func (r *Records) latest(ctx context.Context, uid types.UID) (*v1alpha1.BreakGlass, error) {
	if uid == "" {
		return nil, nil
	}
	var list v1alpha1.BreakGlassList
	if err := r.client.List(ctx, &list, client.MatchingLabels{v1alpha1.BreakGlassUIDLabel: string(uid)}); err != nil {
		return nil, fmt.Errorf("listing BreakGlasses: %w", installed(err))
	}
	if len(list.Items) == 0 {
		return nil, nil
	}
	latest := slices.MaxFunc(list.Items, func(a, b v1alpha1.BreakGlass) int {
		// First by the API server's clock: those of replicas may differ. In one second
		// only one of them can be open.
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(over(&b), over(&a)),
			a.Spec.From.Compare(b.Spec.From.Time), cmp.Compare(a.Name, b.Name))
	})
	return &latest, nil
}

// over is 1 if a record is closed, and 0 if it is open.
func over(record *v1alpha1.BreakGlass) int {
	if record.IsOpen() {
		return 0
	}
	return 1
}

// installed says what to do where the kind isn't there.
func installed(err error) error {
	if meta.IsNoMatchError(err) {
		return errors.New("the cluster has no such kind: apply gitonly's config/crd")
	}
	return err
}

// settledTime is how long an agent may try again what it was refused, of a
// revision that Git has left behind: Argo CD does for 155 seconds, unless an
// Application says otherwise.
const settledTime = 3 * time.Minute

// emergency is what the decision needs of a record.
func emergency(record *v1alpha1.BreakGlass) *policy.Emergency {
	spec := &record.Spec
	e := &policy.Emergency{
		Name: record.Name, Object: keyOf(spec.Object), UID: spec.Object.UID,
		Reason: spec.Reason, By: spec.OpenedBy.Name, From: spec.From.Time, Until: spec.Until.Time, Hold: spec.Hold,
		AskedBy: cmp.Or(spec.Approval.AskedBy, spec.OpenedBy.Name), Approvers: int(spec.Approval.Approvers), Code: spec.Approval.Code,
	}
	if until := spec.Approval.HeldUntil; until != nil {
		e.HeldUntil = until.Time
	}
	for _, one := range record.Agreements() {
		e.Approvals = append(e.Approvals, one.By.Name)
	}
	if spec.Asked {
		e.Asked = spec.Until.Time
	}
	if ended := record.Status.EndedAt; ended != nil && ended.Before(&spec.Until) {
		e.Until, e.Ended = ended.Time, true
	}
	if ended := record.Status.EndedAt; ended != nil && record.Status.State == v1alpha1.BreakGlassReconciled {
		e.Settled = ended.Add(settledTime)
	}
	for _, change := range record.Status.Changes {
		e.Changed = append(e.Changed, policy.Changed{Key: keyOf(change.Object), Deleted: change.Deleted, Fields: change.Fields})
	}
	return e
}

// writeTime is how long a record is tried to be written, and patience how long
// that may keep the request waiting: the API server gives up on gitonly soon.
const (
	writeTime = time.Minute
	patience  = 2 * time.Second
)

// Record takes note of a verdict. If that doesn't succeed soon, the error says
// why, and it is tried on for a while, unless the request is refused for it.
func (r *Records) Record(ctx context.Context, entry admission.Entry) error {
	use := entry.Verdict.Emergency
	if entry.Verdict.Outcome != policy.Allow {
		r.teller.tell(entry, use.Emergency)
		return nil
	}
	if use.Terms == nil && use.Emergency.Name == "" {
		r.teller.tell(entry, use.Emergency)
		return errors.New("there is no BreakGlass to record it in")
	}
	trying, limit := context.WithoutCancel(ctx), writeTime
	gone, late := ctx.Done(), time.After(patience)
	if use.Unrecorded == v1alpha1.Deny { // what is refused for it must not come true later
		trying, limit, gone, late = ctx, patience, nil, nil
	}
	done := make(chan error, 1)
	var last atomic.Pointer[error]
	r.await(entry, true)
	go func() {
		ctx, cancel := context.WithTimeout(trying, limit)
		defer cancel()
		done <- wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
			err := r.write(ctx, entry)
			if err != nil {
				last.Store(&err)
				return false, nil
			}
			r.await(entry, false)
			return true, nil
		})
	}()
	select {
	case <-gone:
	case <-late:
	case err := <-done:
		if err == nil {
			return nil
		}
	}
	if err := last.Load(); err != nil {
		return *err
	}
	return errors.New("the API server takes long to answer")
}

// await lets an emergency that is being opened count before it is written: until
// it is over, where that never succeeds.
func (r *Records) await(entry admission.Entry, writing bool) {
	if entry.Verdict.Emergency.Emergency != nil || entry.Verdict.Emergency.Terms == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !writing {
		if waiting := r.pending[entry.UID]; waiting != nil && waiting.Name == nameOf(entry) {
			delete(r.pending, entry.UID)
		}
		return
	}
	maps.DeleteFunc(r.pending, func(_ types.UID, e *policy.Emergency) bool { return !entry.At.Before(e.Until) })
	r.pending[entry.UID] = emergency(opened(entry))
}

// write writes a verdict into its record, once.
func (r *Records) write(ctx context.Context, entry admission.Entry) error {
	use := entry.Verdict.Emergency
	name := ""
	if use.Emergency != nil {
		name = use.Emergency.Name
	}
	if name == "" {
		record := opened(entry)
		if err := r.client.Create(ctx, record); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating BreakGlass %s: %w", record.Name, installed(err))
		}
		name = record.Name
	} else if use.Terms != nil {
		if err := r.change(ctx, name, entry); err != nil {
			return err
		}
	}
	fresh, err := r.add(ctx, name, entry)
	if err != nil {
		return err
	}
	if fresh {
		r.teller.tell(entry, use.Emergency)
	}
	return nil
}

// opened is the record of the emergency that a request opens.
func opened(entry admission.Entry) *v1alpha1.BreakGlass {
	terms := entry.Verdict.Emergency.Terms
	record := &v1alpha1.BreakGlass{
		ObjectMeta: metav1.ObjectMeta{
			Name:   nameOf(entry),
			Labels: map[string]string{v1alpha1.BreakGlassUIDLabel: string(entry.UID)},
		},
		Spec: v1alpha1.BreakGlassSpec{
			Object: reference(entry.Key, entry.UID), Reason: terms.Reason, OpenedBy: entry.By,
			From: seconds(entry.At), Until: seconds(terms.Until), Asked: terms.Asked, Hold: terms.Hold,
			Approval: v1alpha1.BreakGlassApproval{Approvers: int32(terms.Approvers), Code: terms.Code},
		},
	}
	return record
}

// nameOf tells what the emergency is of. It is the same each time that the same
// request is recorded.
func nameOf(entry admission.Entry) string {
	words := []string{strings.ToLower(entry.Key.Kind), strings.ToLower(entry.Key.Name)}
	if entry.Key.Namespace != "" {
		words = slices.Insert(words, 0, entry.Key.Namespace)
	}
	name := unfit.ReplaceAllString(strings.Join(words, "-"), "-")
	return strings.TrimRight(name[:min(len(name), 200)], "-") + "-" + admission.Code(entry.Review)
}

// unfit is what separates words: other kinds' names can hold more than a record's.
var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// change gives a record the terms that its annotation has now.
func (r *Records) change(ctx context.Context, name string, entry admission.Entry) error {
	terms := entry.Verdict.Emergency.Terms
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var record v1alpha1.BreakGlass
		if err := r.client.Get(ctx, client.ObjectKey{Name: name}, &record); err != nil {
			return err
		}
		record.Spec.Reason, record.Spec.Until, record.Spec.Asked, record.Spec.Hold = terms.Reason, seconds(terms.Until), terms.Asked, terms.Hold
		askAnew(&record.Spec.Approval, terms, entry.By)
		return r.client.Update(ctx, &record)
	})
	if err != nil {
		return fmt.Errorf("changing BreakGlass %s: %w", name, err)
	}
	return nil
}

// add adds a use to a record, once; fresh is false if it was there.
func (r *Records) add(ctx context.Context, name string, entry admission.Entry) (fresh bool, err error) {
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var record v1alpha1.BreakGlass
		if err := r.client.Get(ctx, client.ObjectKey{Name: name}, &record); err != nil {
			return err
		}
		if err := noteApproval(&record, entry); err != nil {
			return err
		}
		if fresh = note(&record, entry, r.current()); !fresh {
			return nil
		}
		return r.client.Status().Update(ctx, &record)
	})
	if err != nil {
		return false, fmt.Errorf("writing the status of BreakGlass %s: %w", name, err)
	}
	return fresh, nil
}

// seconds is a time as the API server keeps it.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.UTC().Truncate(time.Second)) }

func reference(key gitindex.Key, uid types.UID) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, UID: uid}
}

func keyOf(ref v1alpha1.ObjectReference) gitindex.Key {
	return gitindex.Key{Group: ref.Group, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}
