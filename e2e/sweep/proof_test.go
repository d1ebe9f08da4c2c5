package sweep

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/pkg/policy"
)

// proof are the writes without which the round didn't happen: gitonly must have
// been asked about each, and have let it in because of who asked.
var proof = map[string][]string{
	"clusterrole-aggregation-controller": {"clusterroles"},
	"cronjob-controller":                 {"jobs", "cronjobs/status"},
	"daemon-set-controller":              {"pods", "controllerrevisions", "daemonsets/status"},
	"deployment-controller":              {"replicasets", "deployments/status"},
	"disruption-controller":              {"poddisruptionbudgets/status"},
	"endpoint-controller":                {"endpoints"},
	"endpointslice-controller":           {"endpointslices"},
	"endpointslicemirroring-controller":  {"endpointslices"},
	"ephemeral-volume-controller":        {"persistentvolumeclaims"},
	"generic-garbage-collector":          {"pods", "replicasets", "deployments", "daemonsets", "controllerrevisions"},
	"horizontal-pod-autoscaler":          {"deployments/scale", "horizontalpodautoscalers/status"},
	"job-controller":                     {"pods", "jobs/status"},
	"namespace-controller":               {"namespaces/finalize", "namespaces/status", "configmaps", "deployments", "services"},
	"persistent-volume-binder":           {"persistentvolumes", "persistentvolumes/status", "persistentvolumeclaims", "persistentvolumeclaims/status"},
	"pv-protection-controller":           {"persistentvolumes"},
	"pvc-protection-controller":          {"persistentvolumeclaims"},
	"replicaset-controller":              {"pods", "replicasets/status"},
	"replication-controller":             {"pods", "replicationcontrollers/status"},
	"resourcequota-controller":           {"resourcequotas/status"},
	"root-ca-cert-publisher":             {"configmaps"},
	"service-account-controller":         {"serviceaccounts"},
	"statefulset-controller":             {"pods", "controllerrevisions", "persistentvolumeclaims", "statefulsets/status"},
	"ttl-after-finished-controller":      {"jobs"},

	"system:kube-controller-manager":                         {"secrets"}, // tokens, before it has any of its own
	"system:kube-scheduler":                                  {"pods/binding"},
	"system:node:" + roundNode:                               {"pods", "pods/status"}, // the registration skips what it writes of Nodes
	"system:serviceaccount:flux-system:kustomize-controller": {"namespaces", "deployments"},
}

// awaitProof waits for the audit log to have all of it, and judges the log.
func (s *scene) awaitProof(ctx context.Context, t *testing.T) error {
	var all []record
	var missing []string
	// The log is written a moment after the answers.
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		var err error
		if all, err = s.records(); err != nil {
			return false, err
		}
		missing = unproved(all)
		return len(missing) == 0, nil
	})
	judgeRecords(t, all)
	if err != nil {
		return fmt.Errorf("gitonly was never asked about, or didn't let in by actor: %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

func unproved(all []record) []string {
	proved := map[string]bool{}
	for _, r := range all {
		if reason := r.verdict("reason"); reason == string(policy.SystemActor) || reason == string(policy.AgentActor) {
			proved[r.actor()+" "+r.resource()] = true
		}
	}
	var missing []string
	for actor, resources := range proof {
		for _, resource := range resources {
			if !proved[actor+" "+resource] {
				missing = append(missing, actor+" "+resource)
			}
		}
	}
	return missing
}
