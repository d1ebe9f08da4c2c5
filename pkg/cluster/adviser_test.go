package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// accounts is an API server that has these service accounts.
type accounts struct {
	client.Reader
	names []string
	err   error
}

func (a accounts) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	if a.err == nil && !slices.Contains(a.names, key.String()) {
		return apierrors.NewNotFound(kschema.GroupResource{Resource: "serviceaccounts"}, key.Name)
	}
	return a.err
}

func TestAgentsAreLookedFor(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	flux := v1alpha1.Subject{Kind: v1alpha1.SubjectServiceAccount, Namespace: "flux-system", Name: "kustomize-controller"}
	byName := v1alpha1.Subject{Kind: v1alpha1.SubjectUser, Name: "system:serviceaccount:flux-system:helm-controller"}
	robot := v1alpha1.Subject{Kind: v1alpha1.SubjectUser, Name: "robot"}
	for _, test := range []struct {
		name    string
		mode    v1alpha1.Mode
		agents  []v1alpha1.Subject
		server  accounts
		found   policy.Agents
		status  metav1.ConditionStatus
		reason  string
		message string
		advice  []string
	}{
		{name: "all are there", agents: []v1alpha1.Subject{flux, robot}, server: accounts{names: []string{"flux-system/kustomize-controller"}},
			status: "True", reason: "Found", message: "Agents may bring Git's changes."},
		{name: "there are none", status: "False", reason: "NoAgents", message: "nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux",
			advice: []string{"nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux"}},
		{name: "but some were found", found: policy.Agents{"system:serviceaccount:argocd:a": {}}, status: "True", reason: "Found", message: "Agents may bring Git's changes."},
		{name: "a policy that is off needs none", mode: v1alpha1.ModeOff, status: "True", reason: "Found", message: "The policy is off."},
		{name: "one isn't there", agents: []v1alpha1.Subject{flux, byName}, server: accounts{names: []string{"flux-system/kustomize-controller"}},
			status: "False", reason: "AgentNotFound", message: "ServiceAccount flux-system/helm-controller of spec.agents doesn't exist",
			advice: []string{"ServiceAccount flux-system/helm-controller of spec.agents doesn't exist"}},
		{name: "nobody knows", agents: []v1alpha1.Subject{flux}, server: accounts{err: errors.New("timed out")},
			status: "Unknown", reason: "Unreadable", message: "reading ServiceAccount flux-system/kustomize-controller: timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			item := &v1alpha1.GuardPolicy{Spec: v1alpha1.GuardPolicySpec{Mode: test.mode, Agents: v1alpha1.Agents{Subjects: test.agents}}}
			item.SetDefaults()
			adviser := NewAdviser(NewObjects(test.server), func() policy.Agents { return test.found }, types)
			got := adviser.agents(t.Context(), item)
			if got.Status != test.status || got.Reason != test.reason || got.Message != test.message {
				t.Errorf("%s %s: %s", got.Status, got.Reason, got.Message)
			}
			if advice := adviser.Advise(t.Context(), item); !slices.Equal(advice, test.advice) {
				t.Errorf("advice: %q", advice)
			}
		})
	}
}
