package discover_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// fluxCluster is a cluster of the objects in some YAML.
type fluxCluster []*unstructured.Unstructured

func newFluxCluster(t *testing.T, documents ...string) fluxCluster {
	t.Helper()
	var cluster fluxCluster
	for _, text := range documents {
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
		for {
			object := &unstructured.Unstructured{}
			err := decoder.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if object.Object != nil {
				cluster = append(cluster, object)
			}
		}
	}
	return cluster
}

func (c fluxCluster) List(kind schema.GroupKind) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range c {
		if object.GroupVersionKind().GroupKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

func (c fluxCluster) Data(_ context.Context, kind, namespace, name string) (map[string][]byte, error) {
	for _, object := range c {
		if object.GetKind() == kind && object.GetNamespace() == namespace && object.GetName() == name {
			texts, _, err := unstructured.NestedStringMap(object.Object, "data")
			data := map[string][]byte{}
			for key, text := range texts {
				data[key] = []byte(text)
			}
			return data, err
		}
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
}
