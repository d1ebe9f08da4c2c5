// Package outages shows what a write gets while something is broken: gitonly, its certificate, Git,
// the API server. On a real API server each situation meets both failurePolicies and both settings of
// undecidable, in a namespace each. What comes of it is the table in docs/outages.md.
package outages
