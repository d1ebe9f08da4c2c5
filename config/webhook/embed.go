// Package webhook holds the registrations that make the API server ask gitonly, and
// what answers. All but that for a file are made of charts/gitonly.
package webhook

import _ "embed"

// Registration is a ValidatingWebhookConfiguration, which asks the Service
// gitonly-system/gitonly. It has no caBundle.
//
//go:embed registration.yaml
var Registration []byte

// Static is the same for a file that the API server reads. It asks an address
// instead of the Service.
//
//go:embed static/registration.yaml
var Static []byte

// Admission is the API server's configuration, which says where such files are.
//
//go:embed static/admission.yaml
var Admission []byte
