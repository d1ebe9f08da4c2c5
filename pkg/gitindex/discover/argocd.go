package discover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// ArgoCD finds what an Argo CD applies to this cluster.
type ArgoCD struct {
	Namespace string          // that it runs in
	Selector  labels.Selector // of its Applications; nil for all

	// Destinations are the names and URLs by which it knows this cluster; nil
	// for those of the cluster that it runs in itself.
	Destinations []string
}

var (
	applicationKind = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	projectKind     = schema.GroupKind{Group: "argoproj.io", Kind: "AppProject"}
)

// Find returns a source for each source of each Application that Argo CD
// applies to this cluster, and the service accounts that it applies them as.
//
// Where an Application has several, their names end in the source's own name
// or its position: "Application argocd/guestbook[1]". One that can't be
// rendered is a source as well, of what Argo CD records. Applications that
// Argo CD itself refuses to work on make none.
//
// How Argo CD writes an object (Replace, ServerSideApply, Prune=false and other
// options of a sync) says nothing about what the object is, so it isn't looked
// at. Neither is RespectIgnoreDifferences: a field that Argo CD doesn't compare
// is nobody's departure from Git, whatever a sync makes of it. Hooks are objects
// like any other.
func (a ArgoCD) Find(ctx context.Context, cluster Cluster) Found {
	settings, err := a.settings(ctx, cluster)
	if err != nil {
		return Found{Err: err}
	}
	repositories, err := cluster.Repositories(ctx, a.Namespace)
	if err != nil {
		return Found{Err: err}
	}
	f := &argoCDFinder{
		ArgoCD:       a,
		settings:     settings,
		projects:     map[string]*argoCDProject{},
		repositories: repositories,
		accounts:     map[string]*Identity{},
	}
	if f.Destinations == nil {
		f.Destinations = []string{"https://kubernetes.default.svc", "in-cluster"}
	}
	f.found.Problems = settings.problems
	f.readProjects(cluster)
	own := f.controller(cluster)

	applications := slices.Clone(cluster.List(applicationKind))
	slices.SortFunc(applications, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	for _, object := range applications {
		if f.settings.watches(a.Namespace, object.GetNamespace()) && (a.Selector == nil || a.Selector.Matches(labels.Set(object.GetLabels()))) {
			f.application(object, own)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.accounts)) {
		f.found.Identities = append(f.found.Identities, *f.accounts[name])
	}
	return f.found
}

// argoCDFinder is one finding.
type argoCDFinder struct {
	ArgoCD
	settings     argoCDSettings
	projects     map[string]*argoCDProject
	repositories []ArgoCDRepository
	accounts     map[string]*Identity // by user
	found        Found
}

func (f *argoCDFinder) problem(object string, err error) {
	f.found.Problems = append(f.found.Problems, Problem{Object: object, Err: err})
}

// application adds the sources of an Application, if this cluster is where
// they go. own is the controller's account.
func (f *argoCDFinder) application(object *unstructured.Unstructured, own *Identity) {
	name := fmt.Sprintf("Application %s/%s", object.GetNamespace(), object.GetName())
	var app argoCDApplication
	if err := decode(object, &app); err != nil {
		f.problem(name, err)
		return
	}
	if !f.isHere(app.Spec.Destination) {
		return
	}
	project, err := f.permits(&app)
	if err != nil {
		f.problem(name, err)
		return
	}
	account, err := f.account(&app, project, own)
	if err != nil {
		f.problem(name, err)
	}
	sources := f.sources(name, &app)
	f.found.Sources = append(f.found.Sources, sources...)
	if account != nil {
		for _, source := range sources {
			account.Sources = append(account.Sources, source.Name)
		}
	}
}

// isHere reports whether a destination is this cluster.
func (f *argoCDFinder) isHere(to argoCDDestination) bool {
	return slices.ContainsFunc(f.Destinations, func(here string) bool {
		return here != "" && (sameServer(here, to.Server) || here == to.Name)
	})
}

func sameServer(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

// recorded are the objects that Argo CD says it keeps as Git has them. Hooks
// come and go, so they aren't among them.
func (app *argoCDApplication) recorded() []gitindex.Recorded {
	recorded := []gitindex.Recorded{}
	for _, r := range app.Status.Resources {
		if r.Hook || r.RequiresPruning || r.Kind == "" || r.Name == "" {
			continue
		}
		recorded = append(recorded, gitindex.Recorded{
			Key:        gitindex.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name},
			APIVersion: schema.GroupVersion{Group: r.Group, Version: cmp.Or(r.Version, "v1")}.String(),
		})
	}
	return recorded
}
