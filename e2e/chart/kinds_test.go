package chart_test

import (
	"embed"
	"path/filepath"
	"testing"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/workshop"
)

//go:embed modules
var modules embed.FS

// kinds returns the definitions of others' kinds that the chart makes objects of.
func kinds(t *testing.T) []string {
	t.Helper()
	certManager, err := agents.CertManagerKinds(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(certManager, "cert-manager.io_certificates.yaml"), filepath.Join(certManager, "cert-manager.io_issuers.yaml")}
	for _, from := range []struct{ name, module, path string }{
		{"prometheus-operator", "github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
		{"prometheus-operator", "github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
	} {
		m := workshop.Module{Name: "chart/" + from.name}
		var err error
		if m.Mod, err = modules.ReadFile("modules/" + from.name + ".mod"); err != nil {
			t.Fatal(err)
		}
		if m.Sum, err = modules.ReadFile("modules/" + from.name + ".sum"); err != nil {
			t.Fatal(err)
		}
		file, err := workshop.Workshop{Progress: t.Output()}.Fetch(t.Context(), m, from.module, filepath.FromSlash(from.path))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
