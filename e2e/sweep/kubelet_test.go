package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// roundNode is the Node on which all Pods of the round run.
const roundNode = "round-node"

// heartbeat is well below the time after which a Node counts as lost.
const heartbeat = 5 * time.Second

// kubelet plays scheduler and node: it binds Pods, says that they run or have
// run, and ends those that are deleted. There are no containers.
type kubelet struct {
	scheduler, node kubernetes.Interface
	namespaces      map[string]bool
}

// run plays until ctx ends, or something goes wrong.
func (k *kubelet) run(ctx context.Context) error {
	watch, err := k.node.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("watching Pods: %w", err)
	}
	defer watch.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	if err := k.beat(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			err = k.beat(ctx)
		case event, ok := <-watch.ResultChan():
			if !ok {
				return errors.New("the watch of Pods ended")
			}
			if pod, ok := event.Object.(*corev1.Pod); ok && k.namespaces[pod.Namespace] {
				err = k.see(ctx, pod)
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// beat says that the node is well, if it is there.
func (k *kubelet) beat(ctx context.Context) error {
	now, _ := metav1.Now().MarshalJSON()
	status := fmt.Appendf(nil, `{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": %s}]}}`, now)
	_, err := k.node.CoreV1().Nodes().PatchStatus(ctx, roundNode, status)
	return ignoreGone(err)
}

// see does the next thing for a Pod. Its outcome is another event.
func (k *kubelet) see(ctx context.Context, pod *corev1.Pod) error {
	pods := k.node.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		return ignoreGone(pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: &pod.UID}}))
	case pod.Spec.NodeName == "":
		return ignoreGone(k.scheduler.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: roundNode},
		}, metav1.CreateOptions{}))
	case pod.Status.Phase == corev1.PodPending:
		_, err := pods.Patch(ctx, pod.Name, ktypes.MergePatchType, started(pod), metav1.PatchOptions{}, "status")
		return ignoreGone(err)
	}
	return nil
}

// started is the status of a Pod that runs, or has run if it was to run once.
func started(pod *corev1.Pod) []byte {
	if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return []byte(`{"status": {"phase": "Succeeded"}}`)
	}
	now, _ := metav1.Now().MarshalJSON()
	return fmt.Appendf(nil, `{"status": {"phase": "Running", "podIP": "192.0.2.77", "podIPs": [{"ip": "192.0.2.77"}],
		"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": %s}]}}`, now)
}

// ignoreGone drops errors that say that a Pod has changed or gone: an event
// follows.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
