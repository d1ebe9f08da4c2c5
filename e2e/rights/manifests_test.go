package rights_test

import (
	"fmt"
	"maps"
	"strings"
)

// kinds are those of Argo CD, Flux and PolicyReports, as far as gitonly lists
// them, and one that is anybody's.
func kinds() string {
	var all strings.Builder
	for _, k := range []struct{ group, version, kind, plural, scope string }{
		{"argoproj.io", "v1alpha1", "Application", "applications", "Namespaced"}, {"argoproj.io", "v1alpha1", "AppProject", "appprojects", "Namespaced"},
		{"kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", "Namespaced"}, {"helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", "Namespaced"},
		{"source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories", "Namespaced"}, {"source.toolkit.fluxcd.io", "v1", "OCIRepository", "ocirepositories", "Namespaced"},
		{"source.toolkit.fluxcd.io", "v1", "HelmRepository", "helmrepositories", "Namespaced"}, {"source.toolkit.fluxcd.io", "v1", "HelmChart", "helmcharts", "Namespaced"},
		{"source.toolkit.fluxcd.io", "v1", "Bucket", "buckets", "Namespaced"}, {"source.toolkit.fluxcd.io", "v1", "ExternalArtifact", "externalartifacts", "Namespaced"},
		{"wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports", "Namespaced"}, {"wgpolicyk8s.io", "v1alpha2", "ClusterPolicyReport", "clusterpolicyreports", "Cluster"},
		{"example.com", "v1", "Widget", "widgets", "Namespaced"},
	} {
		fmt.Fprintf(&all, `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[4]s.%[1]s%[6]s}
spec:
  group: %[1]s
  scope: %[5]s
  names: {kind: %[3]s, listKind: %[3]sList, plural: %[4]s, singular: %[7]s}
  versions:
  - {name: %[2]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`, k.group, k.version, k.kind, k.plural, k.scope, approved(k.group), strings.ToLower(k.kind))
	}
	return all.String()
}

// approved is what a CRD of Kubernetes' own groups has to say.
func approved(group string) string {
	if strings.HasSuffix(group, ".k8s.io") {
		return `, annotations: {api-approved.kubernetes.io: "unapproved, a test"}`
	}
	return ""
}

// configMaps are those of the namespace shop that Git declares: one for each row
// that writes to one.
var configMaps = []string{"seen", "asked", "listed", "created", "read", "used", "changed", "looked-for", "told", "told-again"}

// repository of Git.
func files() map[string]string {
	all := map[string]string{
		"cluster/urgent.yaml": "",
		"shop/widget.yaml":    "{apiVersion: example.com/v1, kind: Widget, metadata: {name: widget}}\n",
	}
	for _, name := range configMaps {
		all["shop/"+name+".yaml"] = settings(name)
	}
	for _, name := range []string{"first", "second", "third"} {
		all["audited/"+name+".yaml"] = settings(name)
		all["cluster/urgent.yaml"] += fmt.Sprintf("---\n{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: %s}, value: 1, description: light}\n", name)
	}
	return maps.Clone(all)
}

func settings(name string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: {theme: light}}\n", name)
}

// cluster is what there is beside gitonly; $URL is where Git is.
const cluster = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {mode: enforce}}
---
apiVersion: v1
kind: Namespace
metadata: {name: audited, labels: {mode: audit}}
---
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: on-call, namespace: shop}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [break-glass]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: on-call, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: on-call}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: dana}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: shop}
spec:
  mode: Enforce
  undecidable: Deny
  match: {namespaceSelector: {matchLabels: {mode: enforce}}, resources: [{apiGroups: [""], kinds: ["*"]}]}
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: audited}
spec:
  match: {namespaceSelector: {matchLabels: {mode: audit}}, resources: [{apiGroups: [""], kinds: ["*"]}]}
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: audited-classes}
spec:
  match: {resources: [{apiGroups: [scheduling.k8s.io], kinds: ["*"]}]}
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
---
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  git: {url: $URL, ref: {branch: main}, paths: [{path: shop, namespace: shop}, {path: audited, namespace: audited}, {path: cluster}]}
  interval: 1h
---
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: argocd}
spec: {argoCD: {namespace: argocd}}
---
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: flux}
spec: {flux: {}}
`

// What acts of rows make.
const (
	freshSource = `
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: fresh}
spec: {git: {url: $URL, ref: {branch: main}, paths: [{path: shop, namespace: fresh}]}}
`
	freshPolicy = `
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: fresh}
spec: {mode: "Off"}
`
	privateSource = `
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: private}
spec: {git: {url: $URL, ref: {branch: main}, secretRef: {name: private}, paths: [{path: shop, namespace: private}]}}
`
	oldRecord = `
apiVersion: gitonly.dev/v1alpha1
kind: BreakGlass
metadata: {name: old}
spec:
  object: {kind: ConfigMap, namespace: shop, name: old, uid: old}
  reason: INC-0 long ago
  openedBy: {user: dana}
  from: "2020-01-01T00:00:00Z"
  until: "2020-01-01T01:00:00Z"
`
	repository = `
apiVersion: v1
kind: Secret
metadata: {name: repository, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {url: "https://git.example.com/infra.git"}
`
)

// What is there before a process starts; $RELEASE is the chart's release.
const (
	registration = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $RELEASE}
webhooks:
- name: validate.gitonly.dev
  clientConfig: {service: {namespace: gitonly-system, name: $RELEASE}}
  namespaceSelector: {matchLabels: {nobody: asks}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [secrets], operations: [CREATE], scope: Namespaced}]
  sideEffects: None
  admissionReviewVersions: [v1]
`
	emptySecret = `
apiVersion: v1
kind: Secret
metadata: {name: $RELEASE-tls, namespace: gitonly-system}
`
	endedLease = `
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: gitonly-leader, namespace: $RELEASE}
spec: {holderIdentity: "", leaseDurationSeconds: 15}
`
)
