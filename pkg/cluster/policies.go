package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// PolicyStore takes the policy to decide by.
type PolicyStore interface{ Set(policy.Policy) }

// Policies follows the cluster's GuardPolicies: each replica does.
type Policies struct {
	reader client.Reader
	store  PolicyStore
	types  *fields.Types
	log    logr.Logger

	mu   sync.Mutex
	good map[string]policy.Guard // by name of the GuardPolicy
}

// AddPolicies makes m follow GuardPolicies into store, and write their status,
// with what adviser says of them, where led lets it.
func AddPolicies(m ctrl.Manager, led Led, store PolicyStore, types *fields.Types, adviser *Adviser, log logr.Logger) error {
	p := &Policies{reader: m.GetClient(), store: store, types: types, log: log, good: map[string]policy.Guard{}}
	err := ctrl.NewControllerManagedBy(m).Named("guardpolicy").For(&v1alpha1.GuardPolicy{}).
		WithOptions(controller.Options{NeedLeaderElection: new(false), MaxConcurrentReconciles: 1}).
		Complete(p)
	if err != nil {
		return fmt.Errorf("watching GuardPolicies: %w", err)
	}
	status := &policyStatus{client: m.GetClient(), adviser: adviser}
	if err := ctrl.NewControllerManagedBy(m).Named("guardpolicy-status").For(&v1alpha1.GuardPolicy{}).Complete(led(status)); err != nil {
		return fmt.Errorf("watching GuardPolicies: %w", err)
	}
	return m.Add(&loader{m: m, load: p.load})
}

// Reconcile takes up all policies again: there are few.
func (p *Policies) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	return reconcile.Result{}, p.load(ctx)
}

// load sets the policy to what the cluster has. A GuardPolicy that can't be
// used keeps its last good form.
func (p *Policies) load(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list v1alpha1.GuardPolicyList
	if err := p.reader.List(ctx, &list); err != nil {
		return fmt.Errorf("listing GuardPolicies: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.GuardPolicy) int { return cmp.Compare(a.Name, b.Name) })
	good := map[string]policy.Guard{}
	next := policy.Policy{Types: p.types, Faults: "ask whoever runs gitonly: kubectl get gitsources says why"}
	for i := range list.Items {
		item := &list.Items[i]
		item.SetDefaults()
		guard, err := policy.NewGuard(item)
		if err != nil {
			last, ok := p.good[item.Name]
			if !ok {
				last, ok = usable(item)
			}
			p.log.Error(err, "a GuardPolicy can't be used as it is: its last good form is, or what is right of it", "policy", item.Name, "guards", ok)
			if !ok {
				continue
			}
			guard = last
		}
		good[item.Name] = guard
		next.Guards = append(next.Guards, guard)
	}
	p.good = good
	p.store.Set(next)
	return nil
}

// usable is what is right of a GuardPolicy that can't be used as a whole: what it
// guards, with no field ignored and no glass to be broken. ok is false if what it
// guards is wrong.
func usable(item *v1alpha1.GuardPolicy) (guard policy.Guard, ok bool) {
	rest := item.DeepCopy()
	rest.Spec.IgnoreFields = nil
	rest.Spec.BreakGlass = v1alpha1.BreakGlassPolicy{MaxDuration: &metav1.Duration{}}
	rest.SetDefaults()
	guard, err := policy.NewGuard(rest)
	return guard, err == nil
}

// agentsInterval is how often agents are looked for: they come and go without
// the policy.
const agentsInterval = 30 * time.Second

// policyStatus says in each GuardPolicy's status whether it is in use, and what
// is probably wrong with it.
type policyStatus struct {
	client  client.Client
	adviser *Adviser
}

func (s *policyStatus) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var item v1alpha1.GuardPolicy
	if err := s.client.Get(ctx, request.NamespacedName, &item); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	before := item.DeepCopy()
	item.SetDefaults()
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonApplied,
		Message: "Requests are decided by this policy.", ObservedGeneration: item.Generation,
	}
	if _, err := policy.NewGuard(&item); err != nil {
		ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, v1alpha1.ReasonInvalid, err.Error()
	}
	item.Status.ObservedGeneration = item.Generation
	agents, names := s.adviser.agents(ctx, &item), s.adviser.names(&item)
	for _, c := range []metav1.Condition{agents, names} {
		if ready.Status == metav1.ConditionTrue && c.Status != metav1.ConditionTrue {
			ready.Message += " But " + c.Message + "."
		}
		meta.SetStatusCondition(&item.Status.Conditions, c)
	}
	meta.SetStatusCondition(&item.Status.Conditions, ready)
	again := reconcile.Result{RequeueAfter: agentsInterval}
	if equality.Semantic.DeepEqual(before.Status, item.Status) {
		return again, nil
	}
	before.Spec = item.Spec // the patch is of the status alone
	if err := s.client.Status().Patch(ctx, &item, client.MergeFrom(before)); err != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status of GuardPolicy %s: %w", item.Name, client.IgnoreNotFound(err))
	}
	return again, nil
}
