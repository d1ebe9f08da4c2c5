package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/webhook"
)

func TestTheRegistrationInAFileAsksTheSame(t *testing.T) {
	var usual, static admissionregistration.ValidatingWebhookConfiguration
	for text, registration := range map[*[]byte]*admissionregistration.ValidatingWebhookConfiguration{
		&webhook.Registration: &usual, &webhook.Static: &static,
	} {
		if err := yaml.UnmarshalStrict(*text, registration); err != nil {
			t.Fatal(err)
		}
	}
	usual.ObjectMeta, static.ObjectMeta = metav1.ObjectMeta{}, metav1.ObjectMeta{}
	for _, registration := range []*admissionregistration.ValidatingWebhookConfiguration{&usual, &static} {
		for i := range registration.Webhooks {
			registration.Webhooks[i].ClientConfig = admissionregistration.WebhookClientConfig{}
			registration.Webhooks[i].FailurePolicy = nil // as the values say; a file is for Fail
		}
	}
	if diff := cmp.Diff(usual, static); diff != "" {
		t.Errorf("registration.yaml (-) and static/registration.yaml (+):\n%s", diff)
	}
}
