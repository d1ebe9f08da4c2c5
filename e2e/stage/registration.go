package stage

import (
	"cmp"
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
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/webhook"
)

// Registration says what the API server asks a webhook about.
type Registration struct {
	Name string // among those of the webhook; it may be empty

	// AsInstalled gives it the name that it has in clusters: the only one that
	// gitonly's rights are for.
	AsInstalled bool

	// Namespaces are asked about, and all cluster-scoped objects. Nil means
	// those of config/webhook/registration.yaml.
	Namespaces    *metav1.LabelSelector
	FailurePolicy admissionregistration.FailurePolicyType // Fail if empty: nothing passes unseen

	// Port makes the API server call the Service gitonly-system/gitonly at this
	// port, if set, and not w itself. The Service has to be there.
	Port int32

	// Condition is a CEL expression over the request, if set: others are not
	// asked about.
	Condition string

	// URL is where the webhook is to be found, and CA who vouches for it, where
	// something stands in front of it; empty for the process itself.
	URL string
	CA  []byte // PEM

	TimeoutSeconds int32 // the most there may be, 30, if 0: the machine may be slow
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
	configuration, err := w.configuration(r)
	if err != nil {
		return err
	}
	if _, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, configuration, metav1.CreateOptions{}); err != nil {
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

// configuration is the registration that clusters get, where w is to be found.
func (w *Webhook) configuration(r Registration) (*admissionregistration.ValidatingWebhookConfiguration, error) {
	c, err := w.asked(webhook.Registration)
	if err != nil {
		return nil, fmt.Errorf("reading config/webhook/registration.yaml: %w", err)
	}
	if !r.AsInstalled {
		c.Name = "gitonly-" + w.Name + r.Name
	}
	c.Labels = map[string]string{webhookLabel: w.Name}
	hook := &c.Webhooks[0]
	switch {
	case r.Port != 0:
		hook.ClientConfig = admissionregistration.WebhookClientConfig{Service: &admissionregistration.ServiceReference{
			Namespace: "gitonly-system", Name: "gitonly", Path: new("/validate"), Port: &r.Port,
		}}
	case r.URL != "":
		hook.ClientConfig = admissionregistration.WebhookClientConfig{URL: &r.URL, CABundle: r.CA}
	}
	hook.TimeoutSeconds = new(cmp.Or(r.TimeoutSeconds, 30))
	hook.FailurePolicy = new(cmp.Or(r.FailurePolicy, admissionregistration.Fail))
	if r.Namespaces != nil {
		hook.NamespaceSelector = r.Namespaces
	}
	if r.Condition != "" {
		hook.MatchConditions = append(hook.MatchConditions, admissionregistration.MatchCondition{Name: "condition", Expression: r.Condition})
	}
	return c, nil
}

// Static is the registration that clusters get in a file of the API server's,
// where w is to be found.
func (w *Webhook) Static() ([]byte, error) {
	c, err := w.asked(webhook.Static)
	if err != nil {
		return nil, fmt.Errorf("reading config/webhook/static/registration.yaml: %w", err)
	}
	return yaml.Marshal(c)
}

// asked is a registration in which w is who is asked.
func (w *Webhook) asked(registration []byte) (*admissionregistration.ValidatingWebhookConfiguration, error) {
	var c admissionregistration.ValidatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(registration, &c); err != nil {
		return nil, err
	}
	if len(c.Webhooks) != 1 {
		return nil, fmt.Errorf("it has %d webhooks, not one", len(c.Webhooks))
	}
	url := w.url()
	c.Webhooks[0].ClientConfig = admissionregistration.WebhookClientConfig{URL: &url, CABundle: w.authority.bundle()}
	return &c, nil
}

// webhookLabel is on the registrations of a webhook.
const webhookLabel = "webhook"

// Unregister makes the API server ask w no more.
func (w *Webhook) Unregister(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(w.stage.Plane.Admin.Config)
	if err != nil {
		return err
	}
	return client.AdmissionregistrationV1().ValidatingWebhookConfigurations().DeleteCollection(ctx, metav1.DeleteOptions{},
		metav1.ListOptions{LabelSelector: webhookLabel + "=" + w.Name})
}
