package config

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

const everyField = `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra, labels: {team: platform}}
spec:
  interval: 1m30s
  git:
    url: https://git.example.com/infra.git
    ref: {semver: ">=1.2.0 <2.0.0"}
    secretRef: {name: infra}
    verify: {mode: TagAndHEAD, secretRef: {name: keys}}
    paths:
    - {path: apps, namespace: staging, render: Kustomize}
    - {path: apps, namespace: production, render: Plain}
    - {path: .}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: default}
spec:
  mode: "Off"
  match:
    namespaceSelector:
      matchLabels: {guard: "yes"}
      matchExpressions: [{key: team, operator: In, values: [a, b]}, {key: sandbox, operator: DoesNotExist}]
    excludeNamespaces: []
    resources:
    - {apiGroups: ["", apps], kinds: [Deployment, Service]}
    - {kinds: [Ingress]}
  agents:
    subjects:
    - {kind: ServiceAccount, namespace: argocd, name: argocd-application-controller}
    - {kind: User, name: flux}
    - {kind: Group, name: agents}
  systemActors: {users: ["system:kube-scheduler"], groups: []}
  undeclaredFields: {people: Allow, serviceAccounts: Deny}
  undeclaredObjects: {people: Deny, serviceAccounts: Deny}
  undecidable: Deny
`

func TestWhatIsReadIsTheSameWhenWrittenAndReadAgain(t *testing.T) {
	first, err := Load(files(map[string]string{"a.yaml": everyField}))
	if err != nil {
		t.Fatal(err)
	}
	source, err := yaml.Marshal(first.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	policy, err := yaml.Marshal(first.Policies[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(files(map[string]string{"a.yaml": string(source) + "---\n" + string(policy)}))
	if err != nil {
		t.Fatalf("%v\n%s---\n%s", err, source, policy)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("got  %+v\nwant %+v", second, first)
	}
	if got := first.Policies[0].Spec.Match.ExcludeNamespaces; got == nil || len(got) != 0 {
		t.Errorf("excludeNamespaces: [] became %#v", got)
	}
}

func TestTheSchemaAcceptsAStatus(t *testing.T) {
	conditions := []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRenderFailed,
		Message: "apps/web.yaml:3: no kind", LastTransitionTime: metav1.NewTime(time.Unix(1, 0)),
	}}
	first, err := Load(files(map[string]string{"a.yaml": everyField}))
	if err != nil {
		t.Fatal(err)
	}
	first.Sources[0].Status = v1alpha1.GitSourceStatus{
		ObservedGeneration: 1,
		Conditions:         conditions,
		Revision:           v1alpha1.Revision{Name: "main", Commit: "4f2c1ab"},
		LastCheckTime:      metav1.NewTime(time.Unix(1, 0)),
		Paths:              []v1alpha1.PathStatus{{Path: "apps", Revision: "main@4f2c1ab", Message: "web.yaml:3: no kind"}, {Path: "apps", Namespace: "b"}},
		Conflicts:          []string{"Deployment a/b is declared twice"},
	}
	first.Policies[0].Status = v1alpha1.GuardPolicyStatus{ObservedGeneration: 1, Conditions: conditions}

	byKind, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	for kind, object := range map[string]any{
		v1alpha1.GitSourceKind:   &first.Sources[0],
		v1alpha1.GuardPolicyKind: &first.Policies[0],
	} {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range byKind[kind].validate(content) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
