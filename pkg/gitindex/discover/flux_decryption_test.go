package discover_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

func TestWhatAKustomizationDecryptsWith(t *testing.T) {
	const controller = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: kustomize-controller, namespace: flux-system}
spec: {template: {spec: {containers: [{args: [--sops-age-secret=shared]}]}}}
`
	secret := func(namespace, name, data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: " + namespace + "}\ndata: " + data + "\n"
	}
	keys := `{one.agekey: age, two.asc: pgp, sops.aws-kms: cloud}`
	for _, test := range []struct {
		name, decryption string
		objects          []string
		want             *gitindex.Decryption
	}{
		{"nothing is decrypted", "", nil, nil},
		{"a Secret's keys, and no service's", "{provider: sops, secretRef: {name: keys}}", []string{secret("team", "keys", keys)},
			&gitindex.Decryption{Keys: map[string]string{"one.agekey": "age", "two.asc": "pgp"}}},
		{"a Secret elsewhere doesn't count", "{provider: sops, secretRef: {name: keys}}", []string{secret("flux-system", "keys", keys)},
			&gitindex.Decryption{Why: `spec.decryption names Secret keys: Secret "keys" not found`}},
		{"a Secret for services alone", "{provider: sops, secretRef: {name: keys}}", []string{secret("team", "keys", "{sops.aws-kms: cloud}")},
			&gitindex.Decryption{Why: "Secret team/keys has no key that ends with .agekey or .asc, and gitonly asks no key service"}},
		{"no Secret", "{provider: sops}", nil,
			&gitindex.Decryption{Why: "spec.decryption names no Secret with keys, and gitonly asks no key service"}},
		{"the controller's own Secret, of age keys", "{provider: sops}", []string{controller, secret("flux-system", "shared", keys)},
			&gitindex.Decryption{Keys: map[string]string{"one.agekey": "age"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			kustomization := `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: team}
spec:
  interval: 5m
  prune: true
  path: apps
  sourceRef: {kind: GitRepository, name: infra, namespace: flux-system}
`
			if test.decryption != "" {
				kustomization += "  decryption: " + test.decryption + "\n"
			}
			found := discover.Flux{}.Find(context.Background(), newFluxCluster(t, append(test.objects, gitRepository, kustomization)...))
			if len(found.Problems) > 0 || len(found.Sources) != 1 {
				t.Fatalf("%d sources, problems %v", len(found.Sources), found.Problems)
			}
			if diff := cmp.Diff(test.want, found.Sources[0].Locations[0].Build.Decryption); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
