#!/bin/sh
# Pins the modules of a Kubernetes version, so that this package can build it: add-version.sh 1.36.3
set -eu

version=${1:?usage: add-version.sh VERSION, such as 1.36.3}
versions=$(cd "$(dirname "$0")" && pwd)/versions
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GOWORK=off GOFLAGS=-mod=mod

upstream=$(go mod download -json "k8s.io/kubernetes@v$version" |
  sed -n 's/^[[:space:]]*"GoMod": "\(.*\)",*$/\1/p')
etcd=$(sed -n 's|^[[:space:]]*go.etcd.io/etcd/client/v3 \(v[^ ]*\).*|\1|p' "$upstream")

go mod init gitonly.dev/gitonly/e2e/controlplane/kubernetes
go mod edit -go=1.26.0 \
  -require="k8s.io/kubernetes@v$version" -require="go.etcd.io/etcd/server/v3@$etcd" \
  -tool=go.etcd.io/etcd/server/v3 -tool=k8s.io/kubernetes/cmd/kube-apiserver \
  -tool=k8s.io/kubernetes/cmd/kube-controller-manager -tool=k8s.io/kubernetes/cmd/kubectl

# Kubernetes finds its staging modules in folders of its own repository; here they are modules.
sed -n 's|^[[:space:]]*\(k8s.io/[^ ]*\) => ./staging/.*|\1|p' "$upstream" |
  while read -r module; do
    go mod edit -replace="$module=$module@v0${version#1}"
  done

go mod tidy
cp go.mod "$versions/v$version.mod"
cp go.sum "$versions/v$version.sum"
echo "wrote $versions/v$version.mod and .sum"
