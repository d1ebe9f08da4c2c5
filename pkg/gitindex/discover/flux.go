package discover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Flux finds what Flux's controllers apply to this cluster.
type Flux struct {
	Namespace string          // that the controllers run in; flux-system if empty
	Selector  labels.Selector // of Kustomizations and HelmReleases; nil for all
}

const (
	fluxNamespace    = "flux-system"
	fluxKustomizeAPI = "kustomize.toolkit.fluxcd.io"
	fluxHelmAPI      = "helm.toolkit.fluxcd.io"
	fluxSourceAPI    = "source.toolkit.fluxcd.io"
)

var (
	kustomizationKind = schema.GroupKind{Group: fluxKustomizeAPI, Kind: "Kustomization"}
	helmReleaseKind   = schema.GroupKind{Group: fluxHelmAPI, Kind: "HelmRelease"}
)

// Find returns a source for each Kustomization and HelmRelease, and the
// service accounts that apply them. Those for other clusters are left out;
// suspended ones are not.
func (f Flux) Find(ctx context.Context, cluster Cluster) Found {
	finder := &fluxFinder{
		Flux: f, ctx: ctx, cluster: cluster,
		kustomize: fluxController{component: "kustomize-controller"},
		helm:      fluxController{component: "helm-controller"},
		accounts:  map[account]*Identity{},
	}
	finder.Namespace = cmp.Or(f.Namespace, fluxNamespace)
	kustomizations, releases := finder.list(kustomizationKind), finder.list(helmReleaseKind)
	finder.controller(&finder.kustomize, len(kustomizations) > 0)
	finder.controller(&finder.helm, len(releases) > 0)
	for _, object := range kustomizations {
		finder.kustomization(object)
	}
	for _, object := range releases {
		finder.release(object)
	}
	for _, key := range slices.SortedFunc(maps.Keys(finder.accounts), account.compare) {
		finder.found.Identities = append(finder.found.Identities, *finder.accounts[key])
	}
	return finder.found
}

// fluxFinder is one finding.
type fluxFinder struct {
	Flux
	ctx     context.Context
	cluster Cluster

	kustomize, helm fluxController
	accounts        map[account]*Identity
	found           Found
}

// list returns the objects of a kind that are selected, in order of their names.
func (f *fluxFinder) list(kind schema.GroupKind) []*unstructured.Unstructured {
	objects := slices.Clone(f.cluster.List(kind))
	objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return f.Selector != nil && !f.Selector.Matches(labels.Set(o.GetLabels()))
	})
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return objects
}

// get finds an object, and reads it into its type.
func (f *fluxFinder) get(kind, namespace, name string, into any) error {
	for _, object := range f.cluster.List(schema.GroupKind{Group: fluxSourceAPI, Kind: kind}) {
		if object.GetNamespace() == namespace && object.GetName() == name {
			return readFlux(object, into)
		}
	}
	return fmt.Errorf("%s %s/%s does not exist: create it, or correct the reference", kind, namespace, name)
}

func readFlux(object *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		return fmt.Errorf("reading %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
	}
	return nil
}

// add adds a source of a controller. An error makes it one that nobody knows
// but by its record.
func (f *fluxFinder) add(source gitindex.Source, c *fluxController, impersonated account, err error) {
	if err != nil {
		f.problem(source.Name, err)
		source.Problem = err.Error()
	}
	if source.Interval <= 0 {
		source.Interval = time.Minute
	}
	f.found.Sources = append(f.found.Sources, source)
	by := c.accounts
	if impersonated != (account{}) {
		by = []account{impersonated}
	}
	for _, account := range by {
		identity := f.identity(account, true)
		identity.Sources = append(identity.Sources, source.Name)
	}
}

func (f *fluxFinder) problem(object string, err error) {
	f.found.Problems = append(f.found.Problems, Problem{Object: object, Err: err})
}
