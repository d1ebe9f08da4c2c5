package outages_test

import (
	"context"
	"fmt"
	"testing"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"gitonly.dev/gitonly/e2e/stage"
)

// wayOut shows what can be written with the registration as it is, which says
// Fail, while no replica is up. The control plane is no exception.
func (c *cluster) wayOut(t *testing.T) {
	ctx := t.Context()
	s := c.set(t, "way-out")
	s.must(s.webhook.Register(ctx, stage.Registration{Name: "-all", FailurePolicy: admissionregistration.Fail}, "default"))
	s.webhook.Stop()
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	configMap := func(namespace string) func(context.Context, kubernetes.Interface) error {
		return func(ctx context.Context, client kubernetes.Interface) error {
			return makeConfigMap("notes")(ctx, client, namespace, dryRun.DryRun)
		}
	}
	s.must(until(ctx, "the API server to have no answer", func(ctx context.Context) error {
		if err := configMap("default")(ctx, c.admin); !unanswered(err) {
			return fmt.Errorf("its error is: %w", err)
		}
		return nil
	}))

	controlPlane, err := kubernetes.NewForConfig(c.controllerManager.Config)
	s.must(err)
	for _, test := range []struct {
		what string
		do   func(context.Context, kubernetes.Interface) error
		pass bool
	}{
		{"an object in gitonly's namespace", configMap("gitonly-system"), true},
		{"an object in the control plane's namespace", configMap("kube-system"), true},
		{"an object in any other namespace", configMap("default"), false},
		{"a namespace", func(ctx context.Context, client kubernetes.Interface) error {
			_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "more"}}, dryRun)
			return err
		}, false},
		{"a Lease, by which controllers elect", func(ctx context.Context, client kubernetes.Interface) error {
			lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "leader"}}
			_, err := client.CoordinationV1().Leases("default").Create(ctx, lease, dryRun)
			return err
		}, true},
		{"a Node, which joins", func(ctx context.Context, client kubernetes.Interface) error {
			_, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, dryRun)
			return err
		}, true},
		{"a VolumeAttachment", func(ctx context.Context, client kubernetes.Interface) error {
			attachment := &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: "cache"}}
			attachment.Spec.Attacher, attachment.Spec.NodeName = "csi.example.com", "late"
			attachment.Spec.Source.PersistentVolumeName = new("cache")
			_, err := client.StorageV1().VolumeAttachments().Create(ctx, attachment, dryRun)
			return err
		}, false},
	} {
		err := test.do(ctx, controlPlane)
		if test.pass && err != nil || !test.pass && !unanswered(err) {
			t.Errorf("%s: the error is %v", test.what, err)
		}
	}
	s.must(s.webhook.Unregister(ctx))
	s.must(until(ctx, "writes to pass again", func(ctx context.Context) error { return configMap("default")(ctx, c.admin) }))
}
