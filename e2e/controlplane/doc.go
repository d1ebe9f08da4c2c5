// Package controlplane builds and runs a real Kubernetes control plane for tests and demos: etcd,
// kube-apiserver, kube-controller-manager and kubectl, as plain processes on the loopback
// interface. There are no nodes, so no Pod ever runs. It works on Linux and macOS.
//
// # Where the binaries come from
//
// Build compiles them from the Go module proxy, once, into a cache. Every Kubernetes version that
// can be built has two files in versions/: v1.37.2.mod and v1.37.2.sum, the go.mod and go.sum of a
// module that requires k8s.io/kubernetes at that version and the etcd server that it was released
// with. Package workshop says why they are embedded.
//
// # Adding a version
//
// Run add-version.sh 1.36.3 in this folder, commit the two files that it writes, and run this
// package's tests with KUBERNETES_VERSION=1.36.3. Go and the module proxy are all it needs.
//
// # Environment
//
//   - KUBERNETES_VERSION: the version to use where the caller names none.
//   - KUBEBUILDER_ASSETS: a directory with etcd, kube-apiserver, kubectl and, optionally,
//     kube-controller-manager. They are used as they are; only a missing kube-controller-manager is
//     built, if a version of the same minor release can be.
//   - GITONLY_CACHE: the directory to build into, instead of the user's cache directory.
package controlplane
