package policy

import "gitonly.dev/gitonly/pkg/api/v1alpha1"

// DefaultSystemActors are the identities of the control plane: what a
// GuardPolicy without systemActors trusts. The service accounts are those that
// kube-controller-manager uses for its controllers, named one by one: other
// workloads live in kube-system too.
func DefaultSystemActors() v1alpha1.SystemActors {
	actors := v1alpha1.SystemActors{
		Groups: []string{"system:nodes"},
		Users: []string{
			"system:apiserver",
			"system:kube-controller-manager",
			"system:kube-scheduler",
			"system:cloud-controller-manager",
		},
	}
	for _, name := range []string{
		"attachdetach-controller",
		"bootstrap-signer",
		"certificate-controller",
		"cloud-controller-manager",
		"clusterrole-aggregation-controller",
		"cronjob-controller",
		"daemon-set-controller",
		"deployment-controller",
		"device-taint-eviction-controller",
		"disruption-controller",
		"endpoint-controller",
		"endpointslice-controller",
		"endpointslicemirroring-controller",
		"ephemeral-volume-controller",
		"expand-controller",
		"generic-garbage-collector",
		"horizontal-pod-autoscaler",
		"job-controller",
		"kube-apiserver-serving-clustertrustbundle-publisher",
		"legacy-service-account-token-cleaner",
		"namespace-controller",
		"node-controller",
		"persistent-volume-binder",
		"pod-garbage-collector",
		"podcertificaterequestcleaner",
		"podgroup-protection-controller",
		"pv-protection-controller",
		"pvc-protection-controller",
		"replicaset-controller",
		"replication-controller",
		"resource-claim-controller",
		"resourcepoolstatusrequest-controller",
		"resourcequota-controller",
		"root-ca-cert-publisher",
		"route-controller",
		"selinux-warning-controller",
		"service-account-controller",
		"service-cidrs-controller",
		"service-controller",
		"statefulset-controller",
		"storage-version-garbage-collector",
		"storage-version-migrator-controller",
		"taint-eviction-controller",
		"token-cleaner",
		"tokens-controller",
		"ttl-after-finished-controller",
		"ttl-controller",
		"validatingadmissionpolicy-status-controller",
		"volumeattributesclass-protection-controller",
	} {
		actors.Users = append(actors.Users, serviceAccountPrefix+"kube-system:"+name)
	}
	return actors
}
