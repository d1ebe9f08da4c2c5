package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/webhook"
)

func TestTheRegistrationInAFileDiffersByNameAndAddressAlone(t *testing.T) {
	var usual, static admissionregistration.ValidatingWebhookConfiguration
	for text, registration := range map[*[]byte]*admissionregistration.ValidatingWebhookConfiguration{
		&webhook.Registration: &usual, &webhook.Static: &static,
	} {
		if err := yaml.UnmarshalStrict(*text, registration); err != nil {
			t.Fatal(err)
		}
	}
	usual.Name, static.Name = "", ""
	for _, registration := range []*admissionregistration.ValidatingWebhookConfiguration{&usual, &static} {
		for i := range registration.Webhooks {
			registration.Webhooks[i].ClientConfig = admissionregistration.WebhookClientConfig{}
		}
	}
	if diff := cmp.Diff(usual, static); diff != "" {
		t.Errorf("registration.yaml (-) and static/registration.yaml (+):\n%s", diff)
	}
}
