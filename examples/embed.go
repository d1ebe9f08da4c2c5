// Package examples holds a Git repository as teams lay it out, for the demo and
// the tests.
package examples

import "embed"

// FS has the repository's files below "infra".
//
//go:embed all:infra
var FS embed.FS
