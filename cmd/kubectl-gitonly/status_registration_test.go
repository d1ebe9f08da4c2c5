package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"gitonly.dev/gitonly/config/webhook"
)

const (
	renamed = `
kind: ValidatingWebhookConfiguration
metadata: {name: acme-gitonly}
webhooks:
- {name: first.example.com}
- {name: validate.gitonly.dev, failurePolicy: Ignore, clientConfig: {caBundle: YQ==}}
`
	another    = "kind: ValidatingWebhookConfiguration\nmetadata: {name: another}\nwebhooks: [{name: validate.example.com}]"
	askedFor   = "kind: ValidatingWebhookConfiguration\nmetadata: {name: gitonly}\nwebhooks: [{name: validate.acme.example.com, clientConfig: {caBundle: YQ==}}]"
	elsewhere  = "kind: ValidatingWebhookConfiguration\nmetadata: {name: gitonly}\nwebhooks: [{name: validate.gitonly.dev, clientConfig: {url: \"https://gitonly.example.com\"}}]"
	unverified = "kind: ValidatingWebhookConfiguration\nmetadata: {name: gitonly}\nwebhooks: [{name: validate.gitonly.dev, clientConfig: {service: {namespace: gitonly-system, name: gitonly}}}]"
	nothing    = "kind: ValidatingWebhookConfiguration\nmetadata: {name: gitonly}\nwebhooks: []"

	none = "The API server asks gitonly about nothing, and every write passes: there is no ValidatingWebhookConfiguration of it.\n" +
		"(If that is in a file of the API server's, say so by --webhook-configuration=.)"
)

func TestStatusSaysHowTheAPIServerAsks(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations"}, "", errors.New("User \"dana\" cannot list them"))
	for _, test := range []struct {
		name    string
		which   string
		objects []string
		fails   error
		want    string
		missing bool
	}{
		{name: "by whichever has the webhook", which: anyRegistration, objects: []string{another, renamed, string(webhook.Registration)},
			want: "The API server asks gitonly by ValidatingWebhookConfiguration acme-gitonly, failurePolicy Ignore.\n" +
				"The API server asks gitonly by ValidatingWebhookConfiguration gitonly, failurePolicy Ignore; it has no caBundle: unless the API server's own roots vouch for gitonly's certificate, every write passes."},
		{name: "at a URL", which: "gitonly", objects: []string{elsewhere},
			want: "The API server asks gitonly by ValidatingWebhookConfiguration gitonly, failurePolicy Fail; it has no caBundle: only who is in the API server's own roots vouches for gitonly's certificate."},
		{name: "others' are not gitonly's", which: anyRegistration, objects: []string{another, askedFor}, want: none, missing: true},
		{name: "by the one that is named", which: "gitonly", objects: []string{renamed, askedFor}, want: "The API server asks gitonly by ValidatingWebhookConfiguration gitonly, failurePolicy Fail."},
		{name: "not by one without webhooks", which: "gitonly", objects: []string{renamed, nothing}, want: none, missing: true},
		{name: "the one that is named is gone", which: "gitonly", objects: []string{renamed}, want: none, missing: true},
		{name: "in a file", which: "", want: "Whether the API server asks gitonly can't be told: its registration is in a file of the API server's, which can't be seen from here."},
		{name: "to who may not list them", which: anyRegistration, objects: []string{renamed}, fails: forbidden,
			want: `Whether the API server asks gitonly can't be told: validatingwebhookconfigurations.admissionregistration.k8s.io is forbidden: User "dana" cannot list them.`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readRegistrations(t.Context(), refusing(t, test.fails, test.objects...), test.which)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Join(got.lines(), "\n")); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
			if got.missing() != test.missing {
				t.Errorf("missing is %t", got.missing())
			}
		})
	}
}

func TestARegistrationThatCannotBeReadIsAnError(t *testing.T) {
	_, err := readRegistrations(t.Context(), refusing(t, errors.New("connection refused")), anyRegistration)
	if want := "reading ValidatingWebhookConfigurations: connection refused"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

// refusing has these objects, and lists them unless it fails.
func refusing(t *testing.T, fails error, documents ...string) client.Reader {
	return interceptor.NewClient(objects(t, documents...).(client.WithWatch), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if fails != nil {
				return fails
			}
			return c.List(ctx, list, options...)
		},
	})
}
