package cluster_test

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/cluster"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

var _ git.Secrets = (*cluster.Secrets)(nil)

// shelf has Secrets and ConfigMaps, by namespace/name.
type shelf struct {
	client.Reader
	secrets map[string]corev1.Secret
	maps    map[string]corev1.ConfigMap
	broken  error
}

func (s shelf) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if s.broken != nil {
		return s.broken
	}
	missing := apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, key.Name)
	switch into := object.(type) {
	case *corev1.Secret:
		found, ok := s.secrets[key.String()]
		if !ok {
			return missing
		}
		*into = found
	case *corev1.ConfigMap:
		found, ok := s.maps[key.String()]
		if !ok {
			return missing
		}
		*into = found
	}
	return nil
}

func TestSecretsAndConfigMapsAreReadByName(t *testing.T) {
	from := shelf{
		secrets: map[string]corev1.Secret{"gitonly/infra": {Data: map[string][]byte{"password": []byte("pw")}}},
		maps: map[string]corev1.ConfigMap{"argocd/hosts": {
			ObjectMeta: metav1.ObjectMeta{Name: "hosts"}, Data: map[string]string{"a": "1"}, BinaryData: map[string][]byte{"b": []byte("2")},
		}},
	}
	secrets := cluster.NewSecrets(from, "gitonly")
	if data, err := secrets.Data(t.Context(), gitindex.SecretRef{Name: "infra"}); err != nil || string(data["password"]) != "pw" {
		t.Errorf("the Secret has %d keys, %v", len(data), err)
	}
	if _, err := secrets.Data(t.Context(), gitindex.SecretRef{Namespace: "argocd", Name: "infra"}); err == nil || err.Error() != `reading Secret argocd/infra: things "infra" not found` {
		t.Errorf("error is %v", err)
	}
	if data, err := secrets.ConfigMap(t.Context(), "argocd", "hosts"); err != nil || string(data["a"])+string(data["b"]) != "12" {
		t.Errorf("the ConfigMap has %q, %v", data, err)
	}
	if data, err := secrets.ConfigMap(t.Context(), "argocd", "gone"); err != nil || data != nil {
		t.Errorf("one that isn't there has %q, %v", data, err)
	}
	from.broken = errors.New("timeout")
	if _, err := cluster.NewSecrets(from, "gitonly").ConfigMap(t.Context(), "argocd", "hosts"); err == nil || err.Error() != "reading ConfigMap argocd/hosts: timeout" {
		t.Errorf("error is %v", err)
	}
}
