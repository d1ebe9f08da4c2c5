package outages_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"

	"gitonly.dev/gitonly/config/webhook"
	"gitonly.dev/gitonly/e2e/controlplane"
)

// static shows that a registration in a file outlives all others, and that what
// Git declares of these is guarded then.
func (c *cluster) static(t *testing.T) {
	needsStatic(t, c.stage.Plane)
	ctx := t.Context()
	s := c.set(t, "static")
	s.commit(map[string]string{
		"apps/deployment.yaml":   string(deployment),
		"apps/registration.yaml": another,
	})
	registration, err := s.webhook.Static()
	s.must(err)
	files := newFiles(t)
	s.must(os.WriteFile(files.registration, registration, 0o600))
	s.must(c.stage.Plane.RestartAPIServer(ctx, files.flag))
	t.Cleanup(func() { // nobody will be there to ask
		s.must(os.Remove(files.registration))
		s.must(c.stage.Plane.RestartAPIServer(context.Background()))
	})

	out, err := kubectl(ctx, c.stage.Plane, "", "delete", "validatingwebhookconfigurations", "--all")
	if err != nil || !strings.Contains(out, `"gitonly-static-fail" deleted`) {
		t.Fatalf("deleting all registrations: %v\n%s", err, out)
	}
	if out, err := kubectl(ctx, c.stage.Plane, "", "get", "validatingwebhookconfigurations"); err != nil || out != "No resources found\n" {
		t.Fatalf("the registrations are still there: %v\n%s", err, out)
	}
	out, err = kubectl(ctx, c.stage.Plane, "", "scale", "deployment/guestbook", "-n", "ignore-allow", "--replicas=5")
	want := `admission webhook "validate.gitonly.dev" denied the request: gitonly: Deployment ignore-allow/guestbook is declared in Git: `
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("scaling what Git declares, without any other registration: %v\n%s", err, out)
	}
	s.must(until(ctx, "a registration to be guarded", func(ctx context.Context) error {
		out, err := kubectl(ctx, c.stage.Plane, another, "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(out, "gitonly: ValidatingWebhookConfiguration another is declared in Git: ") {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}))
	out, err = kubectl(ctx, c.stage.Plane, string(webhook.Static), "create", "-f", "-")
	if err == nil || !strings.Contains(out, `names ending with ".static.k8s.io" are reserved for static manifest-based configurations`) {
		t.Errorf("making one of the file's name: %v\n%s", err, out)
	}
}

const another = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: another}
webhooks: []
`

// files are what the API server reads of its own disk.
type files struct {
	registration string // to be written, before the API server starts
	flag         string // that leads the API server there
}

func newFiles(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	static := filepath.Join(dir, "static")
	if err := os.Mkdir(static, 0o755); err != nil {
		t.Fatal(err)
	}
	admission := bytes.ReplaceAll(webhook.Admission, []byte("/etc/kubernetes/admission"), []byte(static))
	path := filepath.Join(dir, "admission.yaml")
	if err := os.WriteFile(path, admission, 0o600); err != nil {
		t.Fatal(err)
	}
	return files{registration: filepath.Join(static, "registration.yaml"), flag: "--admission-control-config-file=" + path}
}

// needsStatic skips a test where the API server reads no registrations from files
// unless a feature gate says so.
func needsStatic(t *testing.T, plane *controlplane.ControlPlane) {
	t.Helper()
	is, err := version.ParseGeneric(plane.Binaries.Version)
	if err != nil {
		t.Fatal(err)
	}
	if !is.AtLeast(version.MustParseGeneric("1.37.0")) {
		t.Skip("Kubernetes reads registrations from files since 1.37")
	}
}
