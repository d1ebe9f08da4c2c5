package main

import (
	"context"
	"fmt"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	webhookName     = "validate.gitonly.dev" // in whichever ValidatingWebhookConfiguration
	anyRegistration = "*"                    // stands for each that has such a webhook
)

// registrations are what has the API server ask gitonly.
type registrations struct {
	Found []registration `json:"found"`

	// Untold is why nobody can tell whether there is any; empty if Found says so.
	Untold string `json:"untold,omitempty"`
}

// registration is a ValidatingWebhookConfiguration that asks gitonly.
type registration struct {
	Name          string `json:"name"`
	FailurePolicy string `json:"failurePolicy"`
	CABundle      bool   `json:"caBundle"` // it has one
	Service       bool   `json:"service"`  // it names one, rather than a URL
}

// unverifiable reports that the API server has nothing to verify gitonly's
// certificate by. One at a URL may be of an authority that everybody knows; one of
// a Service's name hardly is.
func (r registration) unverifiable() bool { return r.Service && !r.CABundle }

// unanswered is what becomes of writes while the API server can't ask gitonly.
func (r registration) unanswered() string {
	if r.FailurePolicy == string(admissionregistration.Ignore) {
		return "every write passes"
	}
	return "no write that it asks about passes"
}

// readRegistrations reads the registration of a name, or each that asks gitonly
// for anyRegistration; an empty name is of one that can't be seen.
func readRegistrations(ctx context.Context, reader client.Reader, name string) (registrations, error) {
	read := registrations{Found: []registration{}}
	var list admissionregistration.ValidatingWebhookConfigurationList
	var err error
	switch name {
	case "":
		read.Untold = "its registration is in a file of the API server's, which can't be seen from here"
		return read, nil
	case anyRegistration:
		err = reader.List(ctx, &list)
	default:
		list.Items = make([]admissionregistration.ValidatingWebhookConfiguration, 1)
		err = client.IgnoreNotFound(reader.Get(ctx, types.NamespacedName{Name: name}, &list.Items[0]))
	}
	if apierrors.IsForbidden(err) {
		read.Untold = err.Error()
		return read, nil
	}
	if err != nil {
		return read, fmt.Errorf("reading ValidatingWebhookConfigurations: %w", err)
	}
	for i := range list.Items {
		if found, ok := registrationOf(&list.Items[i], name); ok {
			read.Found = append(read.Found, found)
		}
	}
	return read, nil
}

// registrationOf is what a configuration says of the webhook that asks gitonly:
// in one that is asked for by its name, whatever that webhook's is.
func registrationOf(c *admissionregistration.ValidatingWebhookConfiguration, name string) (registration, bool) {
	for i := range c.Webhooks {
		webhook := &c.Webhooks[i]
		if name == anyRegistration && webhook.Name != webhookName {
			continue
		}
		found := registration{Name: c.Name, FailurePolicy: string(admissionregistration.Fail), CABundle: len(webhook.ClientConfig.CABundle) > 0, Service: webhook.ClientConfig.Service != nil}
		if webhook.FailurePolicy != nil {
			found.FailurePolicy = string(*webhook.FailurePolicy)
		}
		return found, true
	}
	return registration{}, false
}

// missing reports that there is none, as far as can be told.
func (r registrations) missing() bool { return len(r.Found) == 0 && r.Untold == "" }

// lines say it to people.
func (r registrations) lines() []string {
	switch {
	case r.Untold != "":
		return []string{"Whether the API server asks gitonly can't be told: " + r.Untold + "."}
	case r.missing():
		return []string{
			"The API server asks gitonly about nothing, and every write passes: there is no ValidatingWebhookConfiguration of it.",
			"(If that is in a file of the API server's, say so by --webhook-configuration=.)",
		}
	}
	var lines []string
	for _, found := range r.Found {
		line := fmt.Sprintf("The API server asks gitonly by ValidatingWebhookConfiguration %s, failurePolicy %s", found.Name, found.FailurePolicy)
		switch {
		case found.unverifiable():
			line += "; it has no caBundle: unless the API server's own roots vouch for gitonly's certificate, " + found.unanswered()
		case !found.CABundle:
			line += "; it has no caBundle: only who is in the API server's own roots vouches for gitonly's certificate"
		}
		lines = append(lines, line+".")
	}
	return lines
}
