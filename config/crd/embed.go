// Package crd holds the CustomResourceDefinitions of gitonly's own kinds, as
// controller-gen writes them from pkg/api.
package crd

import "embed"

// Files are the definitions, one a file.
//
//go:embed *.yaml
var Files embed.FS
