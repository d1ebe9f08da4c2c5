package certificates

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Registration is what the API server goes by when it calls gitonly: a
// ValidatingWebhookConfiguration.
type Registration struct {
	name    string
	version string
	calls   []call
}

// call is how one of the registration's webhooks is called.
type call struct {
	service bool   // it is: nothing stands between, such as a proxy that ends TLS
	host    string // that the certificate has to be for
	bundle  []byte // caBundle; empty leaves it to the API server's own roots
}

// ReadRegistration reads the registration of a name; nil if there is none. The
// reader must not be a cache.
func ReadRegistration(ctx context.Context, reader client.Reader, name string) (*Registration, error) {
	var read admissionregistration.ValidatingWebhookConfiguration
	if err := reader.Get(ctx, types.NamespacedName{Name: name}, &read); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return nil, nil
		}
		return nil, fmt.Errorf("reading ValidatingWebhookConfiguration %s: %w", name, err)
	}
	r := &Registration{name: name, version: read.ResourceVersion}
	for i := range read.Webhooks {
		config := &read.Webhooks[i].ClientConfig
		c := call{bundle: config.CABundle}
		switch {
		case config.Service != nil:
			c.service, c.host = true, ServiceName(config.Service.Namespace, config.Service.Name)
		case config.URL != nil:
			if to, err := url.Parse(*config.URL); err == nil {
				c.host = to.Hostname()
			}
		}
		r.calls = append(r.calls, c)
	}
	return r, nil
}

// ServiceName is the name that the API server expects in a Service's
// certificate.
func ServiceName(namespace, service string) string { return service + "." + namespace + ".svc" }

// trust has the API server trust this bundle and no other, unless the
// registration has changed since it was read.
func (r *Registration) trust(ctx context.Context, writer client.Client, bundle []byte) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := []operation{{"test", "/metadata/resourceVersion", r.version}}
	for i, c := range r.calls {
		if !bytes.Equal(c.bundle, bundle) {
			patch = append(patch, operation{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), bundle})
		}
	}
	if len(patch) == 1 {
		return nil
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	var object admissionregistration.ValidatingWebhookConfiguration
	object.Name = r.name
	if err := writer.Patch(ctx, &object, client.RawPatch(types.JSONPatchType, text)); err != nil {
		return fmt.Errorf("setting the caBundle of ValidatingWebhookConfiguration %s: %w", r.name, err)
	}
	return nil
}
