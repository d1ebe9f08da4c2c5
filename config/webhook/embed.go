// Package webhook holds the registration that makes the API server ask gitonly, and
// what answers. Both are made of charts/gitonly.
package webhook

import _ "embed"

// Registration is a ValidatingWebhookConfiguration, which asks the Service
// gitonly-system/gitonly. It has no caBundle.
//
//go:embed registration.yaml
var Registration []byte
