// Package policy decides whether a write to the cluster may happen, given what
// Git declares. The decision is pure: it has no clock, client or logger, and
// whatever it needs to know is in the Request.
package policy

import (
	"time"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Request is one write as the API server asks about it.
type Request struct {
	At          time.Time    // when it arrived
	Key         gitindex.Key // the object; for a subresource, the object it belongs to
	Version     string       // API version in which the request addresses that object, without the group
	Operation   Operation
	Subresource string // empty for the object itself
	User        User
	DryRun      bool

	// FieldManager is the name under which the API server keeps what the user
	// changes in managedFields; empty where it is not known.
	FieldManager string

	// Object and OldObject are JSON as the API server sends it; nil where the
	// operation has none.
	Object, OldObject []byte

	// Type is the type of Object and OldObject. It differs from Key's kind for
	// subresources that have a type of their own, such as Scale.
	Type kschema.GroupVersionKind

	// Namespace is the namespace of a namespaced object; nil if nothing is
	// known of it.
	Namespace *Namespace

	// The facts that Needs asks for.
	Owner      gitindex.Key // the declared object that the chain of controllers ends in; zero if there is none
	PodAccount string       // the service account that the Pod runs as; empty if there is no such Pod

	// BreakGlass is what AsksForBreakGlass asks for; nil where nothing is known
	// of emergencies.
	BreakGlass *BreakGlass

	// Problem says why the request could not be read, or what is needed of the
	// cluster; nil if nothing is missing.
	Problem error
}

// Operation is what a request does.
type Operation string

// The operations of admission.
const (
	Create  Operation = "CREATE"
	Update  Operation = "UPDATE"
	Delete  Operation = "DELETE"
	Connect Operation = "CONNECT"
)

// Namespace is what is known of the namespace a request is for.
type Namespace struct {
	UID         types.UID
	Labels      map[string]string
	Annotations map[string]string
	Terminating bool
}

// User is who makes a request, as the API server knows them.
type User struct {
	Name   string
	Groups []string
}

const serviceAccountPrefix = "system:serviceaccount:"
