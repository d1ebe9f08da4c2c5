package main

import (
	"os"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// TestMain lets the test's own program be the child that renders.
func TestMain(m *testing.M) {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
