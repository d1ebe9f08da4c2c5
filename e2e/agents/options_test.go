package agents_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// logOptions logs which options the agent's objects of a kind use.
func (s *scene) logOptions(ctx context.Context, t *testing.T, kind schema.GroupKind) {
	t.Helper()
	used := options((&liveCluster{ctx: ctx, t: t, client: s.client}).List(kind))
	t.Logf("%d options are used: %s", len(used), strings.Join(used, ", "))
}

// plain are the fields of a Kustomization's spec that are no options of rendering.
var plain = []string{"decryption", "dependsOn", "force", "interval", "path", "prune", "serviceAccountName", "sourceRef"}

// options are the names of those that agents' objects use of what changes a rendering.
func options(objects []*unstructured.Unstructured) []string {
	used := map[string]bool{}
	for _, o := range objects {
		spec, _, _ := unstructured.NestedMap(o.Object, "spec")
		for name, value := range spec {
			switch {
			case o.GetKind() == "Kustomization" && !slices.Contains(plain, name):
				add(used, name, value, name == "postBuild" || name == "commonMetadata")
			case name == "source":
				addSource(used, value)
			case name == "sources":
				all, _ := value.([]any)
				for _, one := range all {
					addSource(used, one)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// addSource adds what an Application's source sets of each way to render.
func addSource(used map[string]bool, source any) {
	fields, _ := source.(map[string]any)
	for _, name := range []string{"directory", "helm", "kustomize"} {
		if fields[name] != nil {
			add(used, name, fields[name], true)
		}
	}
	if fields["ref"] != nil {
		used["ref"] = true
	}
}

// add adds an option, or those in it.
func add(used map[string]bool, name string, value any, deep bool) {
	fields, isMap := value.(map[string]any)
	if !deep || !isMap {
		used[name] = true
		return
	}
	for below, value := range fields {
		add(used, strings.Join([]string{name, below}, "."), value, below == "jsonnet")
	}
}
