// Package agents builds and starts real GitOps agents beside a control plane, as plain processes: Argo
// CD, Flux, Sealed Secrets' controller, and what they call; and cert-manager. Each has a go.mod and a
// go.sum in modules/; package workshop builds them, and copies the manifests that they come with. Where
// an agent's own command can't be had, modules/NAME has one, which no build of gitonly's sees.
//
// # Another version
//
// Change the version in modules/NAME.mod, run go mod tidy on a copy of the two files that are named
// go.mod and go.sum there (beside modules/NAME, if there is one: tidy ignores what it has until its build
// constraints are taken away), copy them back, and run this package's tests.
package agents
