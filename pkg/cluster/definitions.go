package cluster

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// definitionsPath is where CustomResourceDefinitions are.
const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

// definition is what is kept of a CustomResourceDefinition.
type definition struct {
	stamp       string   // what it was read for
	unconverted bool     // its versions hold the same fields
	served      []string // versions

	replicas map[string][]string // by served version that has scale: the field that it changes, name by name
}

// definition reads a CRD; the zero one is that of a kind that has none, such as
// an aggregated API's.
func (o *openAPI) definition(ctx context.Context, resource kschema.GroupResource) (definition, error) {
	var crd struct {
		Spec struct {
			Conversion struct {
				Strategy string `json:"strategy"`
			} `json:"conversion"`
			Versions []struct {
				Name         string `json:"name"`
				Served       bool   `json:"served"`
				Subresources struct {
					Scale struct {
						SpecReplicasPath string `json:"specReplicasPath"`
					} `json:"scale"`
				} `json:"subresources"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := o.read(ctx, definitionsPath+resource.String(), &crd); apierrors.IsNotFound(err) {
		return definition{}, nil
	} else if err != nil {
		return definition{}, err
	}
	d := definition{unconverted: crd.Spec.Conversion.Strategy == "None", replicas: map[string][]string{}}
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		d.served = append(d.served, version.Name)
		if path, ok := strings.CutPrefix(version.Subresources.Scale.SpecReplicasPath, "."); ok {
			d.replicas[version.Name] = strings.Split(path, ".") // as the API server does
		}
	}
	return d, nil
}

// watchDefinitions calls changed with the group of each CRD that changes, and
// with none when it may have missed some. It keeps nothing.
func (o *openAPI) watchDefinitions(ctx context.Context, changed func(group string)) {
	crds := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return o.definitions.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return o.definitions.Watch(ctx, options)
		},
	}
	cache.NewReflectorWithOptions(crds, &metav1.PartialObjectMetadata{}, bell(changed), cache.ReflectorOptions{
		Name: "customresourcedefinitions", TypeDescription: "CustomResourceDefinition metadata",
	}).RunWithContext(ctx)
}

// bell is a store that says what comes in, instead of storing it.
type bell func(group string)

func (b bell) ring(object any) error {
	if crd, ok := object.(*metav1.PartialObjectMetadata); ok {
		_, group, _ := strings.Cut(crd.Name, ".")
		b(group)
	}
	return nil
}

// Add implements cache.ReflectorStore.
func (b bell) Add(object any) error { return b.ring(object) }

// Update implements cache.ReflectorStore.
func (b bell) Update(object any) error { return b.ring(object) }

// Delete implements cache.ReflectorStore.
func (b bell) Delete(object any) error { return b.ring(object) }

// Replace implements cache.ReflectorStore.
func (b bell) Replace([]any, string) error { b(""); return nil }

// Resync implements cache.ReflectorStore.
func (b bell) Resync() error { return nil }
