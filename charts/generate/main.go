// Command generate writes what is made of gitonly's chart: the plain manifests in
// config/rbac and config/webhook, and the reference of its values. It also gives
// the chart its CustomResourceDefinitions. It runs in the tree's root.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gitonly.dev/gitonly/charts"
)

const (
	chart  = "charts/gitonly"
	notice = "# Made of charts/gitonly by make generate.\n"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

func generate() error {
	if err := definitions(); err != nil {
		return err
	}
	if err := manifests(); err != nil {
		return err
	}
	return reference()
}

// definitions copies the CustomResourceDefinitions.
func definitions() error {
	files, err := filepath.Glob("config/crd/*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(chart, "crds", filepath.Base(file)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// namespace is what Helm makes by itself.
const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: gitonly-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
`

// manifests renders the chart for people without Helm.
func manifests() error {
	files, err := charts.Render(chart, map[string]any{
		"guardPolicy":   map[string]any{"create": false},
		"certificates":  map[string]any{"provider": "SelfManaged"}, // the only one that needs nothing else
		"policyReports": map[string]any{"enabled": true},           // which does nothing in a cluster without them
	}, charts.Release{Service: "kubectl"})
	if err != nil {
		return err
	}
	for _, made := range []struct {
		file, begins string
		of           []string
	}{
		{"config/rbac/gitonly.yaml", namespace, []string{"rbac"}},
		{"config/webhook/webhook.yaml", "", []string{"deployment", "service", "poddisruptionbudget", "networkpolicy"}},
		{"config/webhook/registration.yaml", "", []string{"registration"}},
	} {
		var texts []string
		for _, name := range made.of {
			texts = append(texts, plain(files["templates/"+name+".yaml"]))
		}
		if err := os.WriteFile(made.file, []byte(notice+made.begins+strings.Join(texts, "---\n")), 0o644); err != nil {
			return err
		}
	}
	return static()
}

// static writes the registration for a file of the API server's: nobody has its
// name but files, and none can name a Service.
func static() error {
	files, err := charts.Render(chart, map[string]any{"webhook": map[string]any{"failurePolicy": "Fail"}}, charts.Release{Service: "kubectl"})
	if err != nil {
		return err
	}
	text := plain(files["templates/registration.yaml"])
	for pattern, replacement := range map[string]string{
		`(?s)metadata:\n.*\nwebhooks:`: "metadata:\n  name: gitonly.static.k8s.io # names that end so are for files alone\nwebhooks:",
		`    service: [^\n]*`: `    # caBundle: the certificate, in base64, of who signed the one that gitonly serves
    # A file can't name a Service: an address that the API server's machine reaches, such as a clusterIP that the
    # Service gitonly-system/gitonly has for good. The certificate has to be for that address.
    url: https://10.96.0.53/validate`,
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
	}
	return os.WriteFile("config/webhook/static/registration.yaml", []byte(notice+text), 0o644)
}

// plain leaves out the labels that say that Helm was here.
func plain(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		label, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if label != "helm.sh/chart" && label != "app.kubernetes.io/managed-by" && (len(lines) > 0 || label != "") {
			lines = append(lines, line)
		}
	}
	return strings.TrimRight(strings.Join(lines, ""), "\n") + "\n"
}
