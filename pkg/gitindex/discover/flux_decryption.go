package discover

import (
	"fmt"
	"path"
	"slices"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// The endings of the keys in a decryption Secret that need no service.
const (
	fluxAgeKey = ".agekey"
	fluxPGPKey = ".asc"
)

// decryption is what a Kustomization decrypts with; nil if it decrypts nothing.
// A Secret that can't be read leaves what is encrypted opaque: that is no
// problem of the source.
func (f *fluxFinder) decryption(k *kustomizev1.Kustomization) *gitindex.Decryption {
	spec := k.Spec.Decryption
	if spec == nil || spec.Provider != "sops" {
		return nil
	}
	namespace, name, endings := k.Namespace, "", []string{fluxAgeKey, fluxPGPKey}
	switch {
	case spec.SecretRef != nil:
		name = spec.SecretRef.Name
	case f.kustomize.ageSecret != "":
		namespace, name, endings = f.Namespace, f.kustomize.ageSecret, endings[:1]
	default:
		return &gitindex.Decryption{Why: "spec.decryption names no Secret with keys, and gitonly asks no key service"}
	}
	data, err := f.cluster.Data(f.ctx, "Secret", namespace, name)
	if err != nil {
		return &gitindex.Decryption{Why: fmt.Sprintf("spec.decryption names Secret %s: %v", name, err)}
	}
	keys := map[string]string{}
	for entry, value := range data {
		if slices.Contains(endings, path.Ext(entry)) {
			keys[entry] = string(value)
		}
	}
	if len(keys) == 0 {
		return &gitindex.Decryption{Why: fmt.Sprintf("Secret %s/%s has no key that ends with %s or %s, and gitonly asks no key service",
			namespace, name, fluxAgeKey, fluxPGPKey)}
	}
	return &gitindex.Decryption{Keys: keys}
}
