// Package builtin makes the comparison's types for the kinds that Kubernetes
// itself serves. It stands apart because client-go, which has their merge
// schema compiled in, brings its transport along.
package builtin

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Types returns the built-in kinds. It parses client-go's merge schema, so call
// it once.
func Types() (*fields.Types, error) {
	known, err := applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(&corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
	})
	if err != nil {
		return nil, fmt.Errorf("loading the merge schema of the built-in kinds: %w", err)
	}
	return fields.NewTypes(scheme.Scheme, known.Schema()), nil
}
