package sweep

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// act is something that controllers do, and how to see that they have.
type act struct {
	name string
	play func(context.Context, *round) error
}

// acts are played side by side. What an act deletes is no other's.
var acts = []act{
	{"a Deployment is scaled by its autoscaler, rolled out, and deleted in the foreground", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error {
				return r.has(ctx, "Deployment round/scaled", map[string]any{"availableReplicas": int64(2)})
			},
			func() error { return r.image(ctx, "Deployment round/scaled", "registry.example.com/main:2") },
			func() error {
				return r.has(ctx, "Deployment round/scaled", map[string]any{"updatedReplicas": int64(2), "replicas": int64(2), "availableReplicas": int64(2)})
			},
			func() error { return r.delete(ctx, "Deployment round/scaled", metav1.DeletePropagationForeground) },
			func() error { return r.noPods(ctx, "scaled") },
		)
	}},
	{"a StatefulSet is rolled out, and deleted in the background with its claims", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error {
				return r.has(ctx, "StatefulSet round/database", map[string]any{"readyReplicas": int64(2)})
			},
			func() error { return r.image(ctx, "StatefulSet round/database", "registry.example.com/database:2") },
			func() error {
				return r.until(ctx, "StatefulSet round/database", func(object map[string]any) bool {
					status, _ := object["status"].(map[string]any)
					return status["currentRevision"] == status["updateRevision"] && status["updatedReplicas"] == int64(2)
				})
			},
			func() error { return r.delete(ctx, "StatefulSet round/database", metav1.DeletePropagationBackground) },
			func() error { return r.noPods(ctx, "database") },
			func() error {
				return r.wait(ctx, func(ctx context.Context) (bool, error) {
					claims, err := r.client.CoreV1().PersistentVolumeClaims("round").List(ctx, metav1.ListOptions{LabelSelector: "app=database"})
					return err == nil && len(claims.Items) == 0, err
				})
			},
		)
	}},
	{"a DaemonSet is rolled out, and deleted without its Pods", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error { return r.has(ctx, "DaemonSet round/logger", map[string]any{"numberAvailable": int64(1)}) },
			func() error { return r.image(ctx, "DaemonSet round/logger", "registry.example.com/logger:2") },
			func() error {
				return r.has(ctx, "DaemonSet round/logger", map[string]any{"updatedNumberScheduled": int64(1), "numberAvailable": int64(1)})
			},
			func() error { return r.delete(ctx, "DaemonSet round/logger", metav1.DeletePropagationOrphan) },
			func() error {
				return r.pods(ctx, "logger", func(pods []corev1.Pod) bool { return len(pods) == 1 && len(pods[0].OwnerReferences) == 0 })
			},
		)
	}},
	{"a ReplicationController makes Pods", func(ctx context.Context, r *round) error {
		return r.has(ctx, "ReplicationController round/old", map[string]any{"availableReplicas": int64(1)})
	}},
	{"a Job ends, and goes as its time to live is over", func(ctx context.Context, r *round) error {
		return r.things["Job round/once"].gone(ctx)
	}},
	{"a CronJob starts Jobs, and clears them away", func(ctx context.Context, r *round) error {
		return r.until(ctx, "CronJob round/often", func(object map[string]any) bool {
			_, ok := field{"status", "lastSuccessfulTime"}.get(object)
			return ok
		})
	}},
	{"a Service finds its Pods, and the budget counts them", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error { return r.has(ctx, "Deployment round/web", map[string]any{"availableReplicas": int64(2)}) },
			func() error { return r.endpoints(ctx, "web") },
			func() error { return r.endpoints(ctx, "manual") },
			func() error {
				return r.has(ctx, "PodDisruptionBudget round/web", map[string]any{"currentHealthy": int64(2), "disruptionsAllowed": int64(1)})
			},
			func() error { return r.delete(ctx, "Service round/web", metav1.DeletePropagationBackground) },
		)
	}},
	{"a quota is counted", func(ctx context.Context, r *round) error {
		return r.until(ctx, "ResourceQuota round/pods", func(object map[string]any) bool {
			used, _ := field{"status", "used", "pods"}.get(object)
			return used != nil && used != "0"
		})
	}},
	{"a claim and a volume are bound, and protected until they go", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error { return r.has(ctx, "PersistentVolumeClaim round/data", map[string]any{"phase": "Bound"}) },
			func() error { return r.has(ctx, "PersistentVolume round", map[string]any{"phase": "Bound"}) },
			func() error {
				return r.delete(ctx, "PersistentVolumeClaim round/data", metav1.DeletePropagationBackground)
			},
			func() error { return r.has(ctx, "PersistentVolume round", map[string]any{"phase": "Released"}) },
			func() error { return r.delete(ctx, "PersistentVolume round", metav1.DeletePropagationBackground) },
		)
	}},
	{"ClusterRoles are aggregated", func(ctx context.Context, r *round) error {
		return r.until(ctx, "ClusterRole round-all", func(object map[string]any) bool {
			rules, _ := object["rules"].([]any)
			return len(rules) == 1
		})
	}},
	{"a namespace has a ServiceAccount, its token, and the authority's certificate", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error {
				return r.until(ctx, "Secret round/token", func(object map[string]any) bool {
					_, ok := field{"data", "token"}.get(object)
					return ok
				})
			},
			func() error {
				return r.wait(ctx, func(ctx context.Context) (bool, error) {
					_, err := r.client.CoreV1().ConfigMaps("round").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
					return err == nil, err
				})
			},
			func() error { return r.remade(ctx, "ServiceAccount round/default") },
		)
	}},
	{"a namespace is deleted with all that Git declares in it", func(ctx context.Context, r *round) error {
		return inTurn(
			func() error {
				return r.has(ctx, "Deployment doomed/web", map[string]any{"availableReplicas": int64(1)})
			},
			func() error { return r.delete(ctx, "Namespace doomed", metav1.DeletePropagationBackground) },
		)
	}},
}

// inTurn does one thing after the other, until one goes wrong.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// pods waits for the Pods of an app to be as done says.
func (r *round) pods(ctx context.Context, app string, done func([]corev1.Pod) bool) error {
	err := r.wait(ctx, func(ctx context.Context) (bool, error) {
		pods, err := r.client.CoreV1().Pods("round").List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		return err == nil && done(pods.Items), err
	})
	if err != nil {
		return fmt.Errorf("the Pods of %s: %w", app, err)
	}
	return nil
}

func (r *round) noPods(ctx context.Context, app string) error {
	return r.pods(ctx, app, func(pods []corev1.Pod) bool { return len(pods) == 0 })
}

// endpoints waits for slices with addresses for a Service.
func (r *round) endpoints(ctx context.Context, service string) error {
	return r.wait(ctx, func(ctx context.Context) (bool, error) {
		slicesOf, err := r.client.DiscoveryV1().EndpointSlices("round").List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + service})
		if err != nil {
			return false, err
		}
		for _, slice := range slicesOf.Items {
			if len(slice.Endpoints) > 0 {
				return true, nil
			}
		}
		return false, nil
	})
}

// remade waits for a declared object to be made again by a controller, after
// the agent has deleted it.
func (r *round) remade(ctx context.Context, name string) error {
	t := r.things[name]
	before, err := t.live(ctx)
	if err != nil {
		return err
	}
	if err := t.agent.Delete(ctx, t.objectName(), metav1.DeleteOptions{}); err != nil {
		return err
	}
	return r.wait(ctx, func(ctx context.Context) (bool, error) {
		now, err := t.live(ctx)
		return err == nil && now.GetUID() != before.GetUID(), err
	})
}
