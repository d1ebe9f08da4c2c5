package render

import "strings"

// builtinScopes has every kind that Kubernetes itself serves, or did until a
// few versions ago. It is a table of our own because Kustomize's library knows
// an older Kubernetes, and a repository can replace what it knows.
var builtinScopes = func() map[groupKind]scope {
	all := map[groupKind]scope{}
	for group, kinds := range builtinNamespaced {
		for kind := range strings.FieldsSeq(kinds) {
			all[groupKind{group, kind}] = namespaced
		}
	}
	for group, kinds := range builtinClusterScoped {
		for kind := range strings.FieldsSeq(kinds) {
			all[groupKind{group, kind}] = clusterScoped
		}
	}
	return all
}()

var builtinNamespaced = map[string]string{
	"":                          "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
	"apps":                      "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
	"authorization.k8s.io":      "LocalSubjectAccessReview",
	"autoscaling":               "HorizontalPodAutoscaler",
	"batch":                     "CronJob Job",
	"certificates.k8s.io":       "PodCertificateRequest",
	"coordination.k8s.io":       "Lease LeaseCandidate",
	"discovery.k8s.io":          "EndpointSlice",
	"events.k8s.io":             "Event",
	"extensions":                "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet",
	"lifecycle.k8s.io":          "Eviction EvictionRequest",
	"networking.k8s.io":         "Ingress NetworkPolicy",
	"policy":                    "PodDisruptionBudget",
	"rbac.authorization.k8s.io": "Role RoleBinding",
	"resource.k8s.io":           "ResourceClaim ResourceClaimTemplate",
	"scheduling.k8s.io":         "CompositePodGroup PodGroup Workload",
	"storage.k8s.io":            "CSIStorageCapacity",
}

var builtinClusterScoped = map[string]string{
	"":                             "ComponentStatus Namespace Node PersistentVolume",
	"admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
	"apiextensions.k8s.io":         "CustomResourceDefinition",
	"apiregistration.k8s.io":       "APIService",
	"authentication.k8s.io":        "SelfSubjectReview TokenReview",
	"authorization.k8s.io":         "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
	"certificates.k8s.io":          "CertificateSigningRequest ClusterTrustBundle",
	"flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
	"internal.apiserver.k8s.io":    "StorageVersion",
	"networking.k8s.io":            "IPAddress IngressClass ServiceCIDR",
	"node.k8s.io":                  "RuntimeClass",
	"policy":                       "PodSecurityPolicy",
	"rbac.authorization.k8s.io":    "ClusterRole ClusterRoleBinding",
	"resource.k8s.io":              "DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice",
	"scheduling.k8s.io":            "PriorityClass",
	"storage.k8s.io":               "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
	"storagemigration.k8s.io":      "StorageVersionMigration",
}
