package agents_test

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"gitonly.dev/gitonly/pkg/gitindex/render"
)

func TestMain(m *testing.M) {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	log.SetLogger(logr.Discard()) // or its client complains of having none
	os.Exit(m.Run())
}
