// Package agents builds and starts real GitOps agents beside a control plane, as plain processes: Argo
// CD, Flux, Sealed Secrets' controller, and what they call. Each has a go.mod and a go.sum in modules/;
// package workshop builds them, and copies the manifests that they come with.
//
// # Another version
//
// Change the version in modules/NAME.mod, run go mod tidy on a copy of the two files that are named
// go.mod and go.sum there, copy them back, and run this package's tests.
package agents
