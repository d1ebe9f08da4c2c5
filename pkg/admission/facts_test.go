package admission_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"gitonly.dev/gitonly/pkg/admission"
)

// objects is a cluster of a few objects, by kind and name.
type objects struct {
	owners   map[string]metav1.PartialObjectMetadata
	accounts map[string]string // of Pods
	reads    []string
	err      error
}

func (o *objects) Metadata(_ context.Context, kind kschema.GroupVersionKind, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	o.reads = append(o.reads, fmt.Sprintf("%s %s/%s", kind.Kind, namespace, name))
	found, ok := o.owners[kind.Kind+" "+name]
	if o.err != nil || !ok {
		return nil, o.err
	}
	return &found, nil
}

func (o *objects) PodAccount(_ context.Context, namespace, name string) (string, error) {
	o.reads = append(o.reads, "Pod "+namespace+"/"+name)
	return o.accounts[name], o.err
}

// controlled is an object with a controller.
func controlled(uid, namespace, kind, name, ownerUID string) metav1.PartialObjectMetadata {
	m := metav1.PartialObjectMetadata{}
	m.UID, m.Namespace = types.UID(uid), namespace
	if kind != "" {
		m.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: types.UID(ownerUID), Controller: new(true)}}
	}
	return m
}

const labelPod = `
uid: a-3
kind: {version: v1, kind: Pod}
resource: {version: v1, resource: pods}
namespace: staging
name: web-1-x
operation: UPDATE
userInfo: {username: ann}
oldObject: {metadata: {name: web-1-x, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r1, controller: true}]}}
object: {metadata: {name: web-1-x, labels: {a: b}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r1, controller: true}]}}
`

const scaleReplicaSet = `
uid: a-4
kind: {group: autoscaling, version: v1, kind: Scale}
resource: {group: apps, version: v1, resource: replicasets}
subResource: scale
namespace: staging
name: web-1
operation: UPDATE
userInfo: {username: ann}
oldObject: {metadata: {name: web-1}, spec: {replicas: 1}}
object: {metadata: {name: web-1}, spec: {replicas: 2}}
`

func TestOwnersAreFollowedToTheDeclaredObject(t *testing.T) {
	theirs := map[string]metav1.PartialObjectMetadata{"ReplicaSet web-1": controlled("r1", "staging", "Deployment", "web", "d1")}
	for _, test := range []struct {
		name    string
		request string
		owners  map[string]metav1.PartialObjectMetadata
		err     error
		reason  string
		message string // its beginning
		reads   string
	}{
		{name: "a Pod of a ReplicaSet of a declared Deployment", request: labelPod, owners: theirs, reason: "DerivedObjectChanged", reads: "ReplicaSet staging/web-1",
			message: "gitonly: Pod staging/web-1-x comes from Deployment staging/web, which is declared in Git: apps at main@4f2c1ab (checked 0s ago)."},
		{name: "a ReplicaSet of a declared Deployment needs no read", request: strings.NewReplacer("kind: ReplicaSet, name: web-1", "kind: Deployment, name: web").Replace(labelPod),
			reason: "DerivedObjectChanged", message: "gitonly: Pod staging/web-1-x comes from Deployment staging/web"},
		{name: "an object without a controller needs none either", request: strings.ReplaceAll(labelPod, ", controller: true", ""), reason: "UndeclaredObjectChanged"},
		{name: "a scale says nothing of owners, so its object is read", request: scaleReplicaSet, owners: theirs, reason: "DerivedObjectChanged", reads: "ReplicaSet staging/web-1",
			message: "gitonly: ReplicaSet staging/web-1 comes from Deployment staging/web"},
		{name: "the owner is gone", request: labelPod, reason: "UndeclaredObjectChanged", reads: "ReplicaSet staging/web-1"},
		{name: "the owner is another one of that name", request: labelPod, reason: "UndeclaredObjectChanged", reads: "ReplicaSet staging/web-1",
			owners: map[string]metav1.PartialObjectMetadata{"ReplicaSet web-1": controlled("r2", "staging", "Deployment", "web", "d1")}},
		{name: "an owner of the cluster's", request: labelPod, reason: "UndeclaredObjectChanged", reads: "ReplicaSet staging/web-1 Cluster staging/c",
			owners: map[string]metav1.PartialObjectMetadata{"ReplicaSet web-1": controlled("r1", "staging", "Cluster", "c", "c1"), "Cluster c": controlled("c1", "", "", "", "")}},
		{name: "owners that own each other", request: labelPod, reason: "Undecidable",
			owners:  map[string]metav1.PartialObjectMetadata{"ReplicaSet web-1": controlled("r1", "staging", "ReplicaSet", "web-1", "r1")},
			reads:   strings.TrimSpace(strings.Repeat("ReplicaSet staging/web-1 ", 10)),
			message: "gitonly: can't decide on Pod staging/web-1-x: finding out whom Pod staging/web-1-x belongs to: more than 10 objects control each other."},
		{name: "the API server doesn't answer", request: labelPod, err: errors.New("timed out"), reason: "Undecidable", reads: "ReplicaSet staging/web-1",
			message: "gitonly: can't decide on Pod staging/web-1-x: finding out whom Pod staging/web-1-x belongs to: reading ReplicaSet staging/web-1: timed out."},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, "{mode: Enforce, undecidable: Deny}")
			cluster := &objects{owners: test.owners, err: test.err}
			f.handler.Objects = cluster
			response := f.ask(t, test.request)
			if got := response.AuditAnnotations["reason"]; got != test.reason {
				t.Errorf("the reason is %s, want %s", got, test.reason)
			}
			message := ""
			if response.Result != nil {
				message = response.Result.Message
			}
			if !strings.HasPrefix(message, test.message) || (message == "") != (test.message == "") {
				t.Errorf("message: %s", message)
			}
			if got := strings.Join(cluster.reads, " "); got != test.reads {
				t.Errorf("it read %s, want %s", got, test.reads)
			}
		})
	}
}

func TestOwnersThatDontDecideAreLookedForAsFarAsTheyHelp(t *testing.T) {
	const (
		lockdown = "{mode: Enforce, undeclaredObjects: {people: Deny}}"
		open     = "{mode: Enforce}"
	)
	deletePod := strings.NewReplacer("operation: UPDATE", "operation: DELETE", "object: {metadata: {name: web-1-x, labels", "unused: {metadata: {name: web-1-x, labels").Replace(labelPod)
	direct := strings.NewReplacer("kind: ReplicaSet, name: web-1", "kind: Deployment, name: web").Replace(deletePod)
	theirs := map[string]metav1.PartialObjectMetadata{"ReplicaSet web-1": controlled("r1", "staging", "Deployment", "web", "d1")}
	for _, test := range []struct {
		name, policy, request string
		owners                map[string]metav1.PartialObjectMetadata
		err                   error
		reason, reads         string
	}{
		{name: "what is refused either way says whom it belongs to", policy: lockdown, request: labelPod, owners: theirs, reason: "DerivedObjectChanged", reads: "ReplicaSet staging/web-1"},
		{name: "and is refused if that can't be read", policy: lockdown, request: labelPod, err: errors.New("timed out"), reason: "UndeclaredObjectChanged", reads: "ReplicaSet staging/web-1"},
		{name: "what is allowed either way takes no read", policy: open, request: deletePod, owners: theirs, reason: "UndeclaredObjectChanged"},
		{name: "and is known by its own controller", policy: open, request: direct, reason: "DerivedObjectDeleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, test.policy)
			cluster := &objects{owners: test.owners, err: test.err}
			f.handler.Objects = cluster
			response := f.ask(t, test.request)
			if got := response.AuditAnnotations["reason"]; got != test.reason || response.Allowed != (test.policy == open) {
				t.Errorf("allowed: %t, the reason is %s, want %s", response.Allowed, got, test.reason)
			}
			if got := strings.Join(cluster.reads, " "); got != test.reads {
				t.Errorf("it read %s, want %s", got, test.reads)
			}
		})
	}
}

func TestWithoutAClusterAnOwnerIsUnknown(t *testing.T) {
	response := newFixture(t, "{mode: Enforce, undecidable: Deny}").ask(t, labelPod)
	want := "gitonly: can't decide on Pod staging/web-1-x: finding out whom Pod staging/web-1-x belongs to: no cluster to read from."
	if !strings.HasPrefix(response.Result.Message, want) {
		t.Errorf("message: %s", response.Result.Message)
	}
}

func TestAShellNeedsToKnowWhatThePodRunsAs(t *testing.T) {
	const exec = `
uid: a-5
kind: {version: v1, kind: PodExecOptions}
resource: {version: v1, resource: pods}
subResource: exec
namespace: flux-system
name: agent
operation: CONNECT
userInfo: {username: ann}
object: {kind: PodExecOptions, apiVersion: v1, command: [sh]}
`
	const agents = "{mode: Enforce, undecidable: Deny, agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: syncer}]}}"
	for account, want := range map[string]string{"syncer": "TrustedIdentityTaken", "other": "PassiveSubresource", "": "PassiveSubresource"} {
		f := newFixture(t, agents)
		f.handler.Objects = &objects{accounts: map[string]string{"agent": account}}
		if got := f.ask(t, exec).AuditAnnotations["reason"]; got != want {
			t.Errorf("as %q: %s, want %s", account, got, want)
		}
	}
	f := newFixture(t, agents)
	f.handler.Objects = &objects{err: errors.New("timed out")}
	if got := f.ask(t, exec); got.Allowed || !strings.HasPrefix(got.Result.Message, "gitonly: can't decide on Pod flux-system/agent: reading what Pod flux-system/agent runs as: timed out.") {
		t.Errorf("%+v", got)
	}
}

// noDiscovery is an API server that doesn't say what it serves.
type noDiscovery struct{ meta.RESTMapper }

func (noDiscovery) KindFor(kschema.GroupVersionResource) (kschema.GroupVersionKind, error) {
	return kschema.GroupVersionKind{}, errors.New("timed out")
}

func TestAKindThatCannotBeFoundOutIsUndecidable(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undecidable: Deny}")
	f.handler.Kinds = admission.NewKinds(scheme.Scheme, noDiscovery{})
	response := f.ask(t, strings.NewReplacer("group: apps, version: v1, resource: replicasets", "group: example.com, version: v1, resource: widgets").Replace(scaleReplicaSet))
	want := "gitonly: can't decide on widgets staging/web-1: finding the kind of widgets.example.com: timed out."
	if got, _, _ := strings.Cut(response.Result.Message, "\n"); got != want {
		t.Errorf("message: %s", got)
	}
}
