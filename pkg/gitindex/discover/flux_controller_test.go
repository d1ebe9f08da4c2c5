package discover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// deploymentOf is a controller's Deployment, with fields of its container.
func deploymentOf(namespace, name, container string) string {
	return fmt.Sprintf(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: %s, labels: {app.kubernetes.io/part-of: flux}}
spec: {template: {spec: {serviceAccountName: %s-sa, containers: [{name: manager, image: x, %s}]}}}
`, name, namespace, name, container)
}

func identitiesOf(found discover.Found) string {
	var b strings.Builder
	for _, i := range found.Identities {
		fmt.Fprintf(&b, "%s/%s %v", i.Namespace, i.Name, i.Sources)
		if i.Impersonated {
			b.WriteString(" impersonated")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestIdentitiesAreTheControllersAndWhomTheyImpersonate(t *testing.T) {
	for _, test := range []struct {
		name      string
		flux      discover.Flux
		documents []string
		want      string
		problems  string
	}{
		{name: "nothing of Flux", want: ""},
		{
			name:      "controllers without work",
			documents: []string{deploymentOf("flux-system", "kustomize-controller", ""), deploymentOf("flux-system", "helm-controller", ""), deploymentOf("flux-system", "source-controller", "")},
			want:      "flux-system/helm-controller-sa []\nflux-system/kustomize-controller-sa []\n",
		},
		{
			name:      "work, but the controller runs elsewhere",
			documents: []string{kustomization("team", "apps", "")},
			want:      "flux-system/kustomize-controller [Kustomization team/apps]\n",
		},
		{
			name: "impersonation",
			documents: []string{
				deploymentOf("flux-system", "kustomize-controller", ""),
				kustomization("team", "a", "  serviceAccountName: deployer\n"), kustomization("team", "b", "  serviceAccountName: deployer\n"),
				kustomization("other", "c", ""),
			},
			want: "flux-system/kustomize-controller-sa [Kustomization other/c]\nteam/deployer [Kustomization team/a Kustomization team/b] impersonated\n",
		},
		{
			name: "the default account",
			documents: []string{
				deploymentOf("flux-system", "kustomize-controller", "args: [--log-level=info, --default-service-account, default]"),
				kustomization("team", "a", "  serviceAccountName: deployer\n"), kustomization("other", "c", ""),
			},
			want: "flux-system/kustomize-controller-sa []\nother/default [Kustomization other/c] impersonated\nteam/deployer [Kustomization team/a] impersonated\n",
		},
		{
			name: "shards, by their labels",
			documents: []string{
				deploymentOf("flux-system", "kustomize-controller", ""),
				strings.Replace(deploymentOf("flux-system", "shard", ""), "part-of: flux", "component: kustomize-controller", 1),
				strings.Replace(deploymentOf("flux-system", "old", ""), "app.kubernetes.io/part-of: flux", "app: kustomize-controller", 1),
				kustomization("team", "a", ""),
			},
			want: "flux-system/kustomize-controller-sa [Kustomization team/a]\nflux-system/old-sa [Kustomization team/a]\nflux-system/shard-sa [Kustomization team/a]\n",
		},
		{
			name:      "another namespace",
			flux:      discover.Flux{Namespace: "gitops"},
			documents: []string{deploymentOf("gitops", "kustomize-controller", ""), kustomization("team", "a", "")},
			want:      "gitops/kustomize-controller-sa [Kustomization team/a]\n",
		},
		{
			name:      "somebody's Deployment of the same name",
			documents: []string{deploymentOf("flux-system", "kustomize-controller", ""), deploymentOf("team", "kustomize-controller", ""), kustomization("team", "a", "")},
			want:      "flux-system/kustomize-controller-sa [Kustomization team/a]\n",
			problems:  "Deployment team/kustomize-controller: it looks like Flux's kustomize-controller, but Flux is taken to run in flux-system: its service account is not trusted\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := test.flux.Find(context.Background(), newFluxCluster(t, append(test.documents, gitRepository)...))
			if got := identitiesOf(found); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if got := problemsOf(found); got != test.problems {
				t.Errorf("got problems %s\nwant %s", got, test.problems)
			}
		})
	}
}
