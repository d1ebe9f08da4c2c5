package stage

import (
	"context"
	"fmt"
	"strings"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Registration says what the API server asks a webhook about.
type Registration struct {
	// Namespaces are asked about, and all cluster-scoped objects. Nil means
	// every namespace but kube-system and gitonly's own.
	Namespaces    *metav1.LabelSelector
	FailurePolicy admissionregistration.FailurePolicyType // Fail if empty

	// Condition is a CEL expression over the request, if set: others are not
	// asked about.
	Condition string
}

// Register makes the API server ask w, and waits until it does. probe is a
// namespace that the registration is for. Unregister ends it.
func (w *Webhook) Register(ctx context.Context, r Registration, probe string) error {
	quiet := rest.CopyConfig(w.stage.Plane.Admin.Config)
	quiet.WarningHandler = rest.NoWarnings{} // what the webhook warns of here is no one's concern
	client, err := kubernetes.NewForConfig(quiet)
	if err != nil {
		return err
	}
	if _, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, w.configuration(r), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("registering webhook %s: %w", w.Name, err)
	}
	// The API server takes a registration up when its watch tells it: a request
	// that the webhook has seen is the only sign.
	canary := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "registered-", Namespace: probe}}
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		// The answer doesn't matter, only that the webhook was asked.
		_, _ = client.CoreV1().ConfigMaps(probe).Create(ctx, canary, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		metrics, err := w.Metrics(ctx)
		return err == nil && strings.Contains(metrics, "controller_runtime_webhook_requests_total{"), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the API server to ask webhook %s: %w\n%s", w.Name, err, w.tail())
	}
	return nil
}

func (w *Webhook) configuration(r Registration) *admissionregistration.ValidatingWebhookConfiguration {
	if r.FailurePolicy == "" {
		r.FailurePolicy = admissionregistration.Fail
	}
	if r.Namespaces == nil {
		r.Namespaces = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"kube-system", "gitonly-system"},
		}}}
	}
	url := w.url()
	return &admissionregistration.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "gitonly-" + w.Name},
		Webhooks: []admissionregistration.ValidatingWebhook{{
			Name:              "validate.gitonly.dev",
			ClientConfig:      admissionregistration.WebhookClientConfig{URL: &url, CABundle: w.authority.bundle()},
			NamespaceSelector: r.Namespaces,
			Rules: []admissionregistration.RuleWithOperations{{
				Operations: []admissionregistration.OperationType{admissionregistration.OperationAll},
				Rule: admissionregistration.Rule{
					APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"},
				},
			}},
			MatchConditions:         conditions(r),
			FailurePolicy:           &r.FailurePolicy,
			MatchPolicy:             new(admissionregistration.Equivalent),
			SideEffects:             new(admissionregistration.SideEffectClassNoneOnDryRun),
			TimeoutSeconds:          new(int32(3)),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
}

func conditions(r Registration) []admissionregistration.MatchCondition {
	all := []admissionregistration.MatchCondition{{
		Name:       "not-bookkeeping",
		Expression: `!(request.resource.group in ["coordination.k8s.io", "events.k8s.io", "authorization.k8s.io", "authentication.k8s.io"]) && !(request.resource.group == "" && request.resource.resource == "events")`,
	}}
	if r.Condition != "" {
		all = append(all, admissionregistration.MatchCondition{Name: "condition", Expression: r.Condition})
	}
	return all
}

// Unregister makes the API server ask w no more.
func (w *Webhook) Unregister(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(w.stage.Plane.Admin.Config)
	if err != nil {
		return err
	}
	return client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(ctx, "gitonly-"+w.Name, metav1.DeleteOptions{})
}
