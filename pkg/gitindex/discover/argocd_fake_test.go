package discover_test

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// argoCDCluster is a cluster of the objects in some YAML.
type argoCDCluster struct {
	objects      []*unstructured.Unstructured
	repositories []discover.ArgoCDRepository
	broken       error // of every read of data
}

func (c *argoCDCluster) List(kind schema.GroupKind) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range c.objects {
		if object.GroupVersionKind().GroupKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

func (c *argoCDCluster) Data(_ context.Context, kind, namespace, name string) (map[string][]byte, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	for _, object := range c.objects {
		if object.GetKind() == kind && object.GetNamespace() == namespace && object.GetName() == name {
			data := map[string][]byte{}
			texts, _, _ := unstructured.NestedStringMap(object.Object, "data")
			for key, text := range texts {
				data[key] = []byte(text)
			}
			return data, nil
		}
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
}

func (c *argoCDCluster) Repositories(_ context.Context, namespace string) ([]discover.ArgoCDRepository, error) {
	if namespace != "argocd" {
		return nil, nil
	}
	return c.repositories, nil
}

// theArgoCD is what every Argo CD has.
const theArgoCD = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: argocd-application-controller, namespace: argocd}
spec: {template: {spec: {serviceAccountName: argocd-application-controller}}}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
`

// argoCDWith is a cluster with an Argo CD and some more.
func argoCDWith(t *testing.T, documents string) *argoCDCluster {
	t.Helper()
	return clusterOf(t, theArgoCD+"\n---\n"+documents)
}

func clusterOf(t *testing.T, documents string) *argoCDCluster {
	t.Helper()
	c := &argoCDCluster{}
	for document := range strings.SplitSeq(documents, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if len(object.Object) > 0 {
			c.objects = append(c.objects, object)
		}
	}
	return c
}

// application is an Application argocd/guestbook with a spec.
func application(spec string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: guestbook, namespace: argocd}
spec:
  destination: {server: https://kubernetes.default.svc, namespace: web}
` + spec
}

// find is what an Argo CD in namespace argocd applies.
func find(t *testing.T, cluster *argoCDCluster) discover.Found {
	t.Helper()
	found := discover.ArgoCD{Namespace: "argocd"}.Find(t.Context(), cluster)
	if found.Err != nil {
		t.Fatal(found.Err)
	}
	return found
}

// problems are what was found to be wrong, a line each.
func problems(found discover.Found) string {
	var lines []string
	for _, p := range found.Problems {
		lines = append(lines, p.Object+": "+p.Err.Error())
	}
	return strings.Join(lines, "\n")
}
