package outages_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"gitonly.dev/gitonly/config/webhook"
	"gitonly.dev/gitonly/e2e/controlplane"
)

// TestTheAPIServerStartsThoughNobodyAnswers shows that a registration that says
// Fail is nothing to the API server itself. What it makes as it starts, at a
// cluster's beginning and after an upgrade, it ends without: then gitonly, which
// needs an API server, couldn't start either.
func TestTheAPIServerStartsThoughNobodyAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a control plane")
	}
	plane, err := controlplane.Start(t.Context(), controlplane.Options{Progress: t.Output(), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	usual := strings.Replace(string(webhook.Registration), "service: {namespace: gitonly-system, name: gitonly, port: 443, path: /validate}", nobody, 1)
	usual = strings.Replace(usual, "failurePolicy: Ignore", "failurePolicy: Fail", 1)

	t.Run("to a registration in the API", func(t *testing.T) {
		begin := begins(t, plane)
		mustKubectl(t, plane, usual, "create", "-f", "-")
		begin()
		mustKubectl(t, plane, usual, "delete", "-f", "-")
	})
	t.Run("to one in a file", func(t *testing.T) {
		needsStatic(t, plane)
		files := newFiles(t)
		static := strings.Replace(string(webhook.Static), "url: https://10.96.0.53/validate", nobody, 1)
		begin := begins(t, plane)
		if err := os.WriteFile(files.registration, []byte(static), 0o600); err != nil {
			t.Fatal(err)
		}
		begin(files.flag)
	})
}

const nobody = "url: https://127.0.0.1:1/validate"

// begins takes away some of what the API server makes as it starts. The function
// it returns restarts the API server, and wants that back and all else refused.
func begins(t *testing.T, plane *controlplane.ControlPlane) func(args ...string) {
	t.Helper()
	mustKubectl(t, plane, "", "delete", "clusterrole/view")
	return func(args ...string) {
		t.Helper()
		if err := plane.RestartAPIServer(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
		mustKubectl(t, plane, "", "get", "clusterrole/view")
		out, err := kubectl(t.Context(), plane, "", "create", "namespace", "shop")
		if err == nil || !strings.Contains(out, `failed calling webhook "validate.gitonly.dev"`) {
			t.Errorf("making a namespace: %v\n%s", err, out)
		}
	}
}

// kubectl runs kubectl as the administrator, and returns all that it prints.
func kubectl(ctx context.Context, plane *controlplane.ControlPlane, stdin string, args ...string) (string, error) {
	cmd := plane.Kubectl(ctx, plane.Admin, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustKubectl(t *testing.T, plane *controlplane.ControlPlane, stdin string, args ...string) {
	t.Helper()
	if out, err := kubectl(t.Context(), plane, stdin, args...); err != nil {
		t.Fatalf("kubectl %q: %v\n%s", args, err, out)
	}
}
