package cluster

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Adviser finds what is probably a mistake in a GuardPolicy that can be used.
type Adviser struct {
	objects    *Objects
	discovered func() policy.Agents
	types      *fields.Types
}

// NewAdviser looks for agents among objects, and those that discovered returns.
func NewAdviser(objects *Objects, discovered func() policy.Agents, types *fields.Types) *Adviser {
	return &Adviser{objects: objects, discovered: discovered, types: types}
}

// Advise returns what a GuardPolicy that has its defaults should be changed in,
// each as a sentence without its full stop.
func (a *Adviser) Advise(ctx context.Context, item *v1alpha1.GuardPolicy) []string {
	var advice []string
	if agents := a.agents(ctx, item); agents.Status == metav1.ConditionFalse {
		advice = append(advice, agents.Message)
	}
	return slices.Concat(advice, policy.Unknown(item, a.types), policy.Everybody(item))
}

// agents is the condition that says whether the policy's agents are there.
// Users and groups are nowhere to be looked up.
func (a *Adviser) agents(ctx context.Context, item *v1alpha1.GuardPolicy) metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionAgents, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonFound,
		Message: "Agents may bring Git's changes.", ObservedGeneration: item.Generation,
	}
	if item.Spec.Mode == v1alpha1.ModeOff {
		c.Message = "The policy is off."
		return c
	}
	if problem := policy.Agentless(item, a.discovered()); problem != "" {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonNoAgents, problem
		return c
	}
	for _, account := range policy.AgentAccounts(item) {
		found, err := a.objects.Metadata(ctx, corev1.SchemeGroupVersion.WithKind("ServiceAccount"), account.Namespace, account.Name)
		switch {
		case err != nil:
			c.Status, c.Reason = metav1.ConditionUnknown, v1alpha1.ReasonUnreadable
			c.Message = fmt.Sprintf("reading ServiceAccount %s/%s: %v", account.Namespace, account.Name, err)
		case found == nil:
			c.Status, c.Reason = metav1.ConditionFalse, v1alpha1.ReasonAgentNotFound
			c.Message = fmt.Sprintf("ServiceAccount %s/%s of spec.agents doesn't exist", account.Namespace, account.Name)
			return c
		}
	}
	return c
}

// names is the condition that says whether all that the policy names exists.
func (a *Adviser) names(item *v1alpha1.GuardPolicy) metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionNames, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonFound,
		Message: "No built-in kind or field that the policy names is missing.", ObservedGeneration: item.Generation,
	}
	if unknown := policy.Unknown(item, a.types); len(unknown) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonUnknownName, unknown[0]
	}
	return c
}
