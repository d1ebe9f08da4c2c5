// Package discover turns what the sync agents work from, Argo CD's Applications
// and Flux's Kustomizations and HelmReleases, into sources: where each agent
// gets its manifests, how it renders them, and as whom it applies them.
//
// It reads what it is given and asks nobody else, so the same objects always
// make the same sources.
package discover

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Cluster is what is read of the cluster. What it returns must not be changed.
type Cluster interface {
	// List returns all objects of a kind, in every namespace; none if the
	// cluster doesn't know the kind.
	List(kind schema.GroupKind) []*unstructured.Unstructured

	// Data returns the data of a Secret or ConfigMap by its name. The error of
	// one that isn't there is apierrors.IsNotFound.
	Data(ctx context.Context, kind, namespace, name string) (map[string][]byte, error)

	// Repositories returns what Argo CD's Secrets of repositories in a
	// namespace say, but for the credentials in them.
	Repositories(ctx context.Context, namespace string) ([]ArgoCDRepository, error)
}

// Found is what was found.
type Found struct {
	Sources    []gitindex.Source
	Identities []Identity
	Problems   []Problem

	// Absent is why there is nothing to be found, which is nobody's fault: the
	// agent isn't there, yet. Whoever knows the cluster's kinds sets it.
	Absent error

	// Err is why nothing could be found out. The rest is empty then, and what
	// was found before stands.
	Err error
}

// Identity is a service account that an agent writes as.
type Identity struct {
	Namespace, Name string

	// Sources are the names of those whose objects it applies; none for the
	// agent's own account, while every source is applied as another.
	Sources []string

	// Impersonated is true for an account that is not the agent's own.
	Impersonated bool
}

// User is the identity's name as the API server knows it.
func (i Identity) User() string { return "system:serviceaccount:" + i.Namespace + ":" + i.Name }

// Problem is an object that no source, or no whole one, could be made of.
type Problem struct {
	Object string // such as Application argocd/guestbook
	Err    error
}
