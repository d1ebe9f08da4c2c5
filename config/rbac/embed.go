// Package rbac holds what gitonly itself may do in a cluster. It is made of
// charts/gitonly.
package rbac

import _ "embed"

// Manifests are gitonly's namespace, its service account, and its roles.
//
//go:embed gitonly.yaml
var Manifests []byte
