package controlplane

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: guestbook, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: guestbook}}
  template:
    metadata: {labels: {app: guestbook}}
    spec: {containers: [{name: web, image: guestbook}]}
`

// TestControlPlane runs the version in KUBERNETES_VERSION, or else the default one.
func TestControlPlane(t *testing.T) {
	ctx := realTest(t)
	temp, logs := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	c, err := Start(ctx, Options{Progress: t.Output(), Dir: logs, ControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	if found := running(t, temp); len(found) != 3 {
		t.Errorf("running are %q, want etcd, kube-apiserver and kube-controller-manager", found)
	}
	admin, err := kubernetes.NewForConfig(c.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("kubectl version", func(t *testing.T) {
		printed := kubectl(ctx, t, c, c.Admin, "", "version")
		for _, want := range []string{"Client Version: v" + c.Binaries.Version, "Server Version: v" + c.Binaries.Version} {
			if !strings.Contains(printed, want) {
				t.Errorf("it printed\n%s\nwithout %q", printed, want)
			}
		}
	})

	t.Run("the controller manager works", func(t *testing.T) {
		kubectl(ctx, t, c, c.Admin, "", "create", "namespace", "shop")
		kubectl(ctx, t, c, c.Admin, deployment, "apply", "-f", "-")
		var pods *corev1.PodList
		err := waitFor(ctx, func(ctx context.Context) (bool, error) {
			sets, err := admin.AppsV1().ReplicaSets("shop").List(ctx, metav1.ListOptions{})
			if err != nil || len(sets.Items) == 0 {
				return false, err
			}
			// A Pod shows that ServiceAccount admission and the controllers' own accounts work too.
			pods, err = admin.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{})
			return err == nil && len(pods.Items) == 1, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := pods.Items[0].Spec.ServiceAccountName; got != "default" {
			t.Errorf("the Pod's ServiceAccount is %q, want default", got)
		}
	})

	t.Run("a user without rights", func(t *testing.T) {
		developer, err := c.AddUser("dev", "developers")
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(developer.Config)
		if err != nil {
			t.Fatal(err)
		}
		err = client.AppsV1().Deployments("shop").Delete(ctx, "guestbook", metav1.DeleteOptions{})
		want := `deployments.apps "guestbook" is forbidden: User "dev" cannot delete resource "deployments" in API group "apps" in the namespace "shop"`
		if !apierrors.IsForbidden(err) || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
		out, err := c.Kubectl(ctx, developer, "delete", "deployment/guestbook", "-n", "shop").CombinedOutput()
		if err == nil || string(out) != "Error from server (Forbidden): "+want+"\n" {
			t.Errorf("kubectl printed %q (error: %v), want the same refusal", out, err)
		}
		assertUser(ctx, t, developer, "dev", "developers")
	})

	t.Run("a ServiceAccount", func(t *testing.T) {
		account, err := c.ServiceAccountUser(ctx, "shop", "default")
		if err != nil {
			t.Fatal(err)
		}
		assertUser(ctx, t, account, "system:serviceaccount:shop:default", "system:serviceaccounts:shop")
		_, err = c.ServiceAccountUser(ctx, "shop", "nobody")
		want := `request a token for ServiceAccount shop/nobody: serviceaccounts "nobody" not found`
		if message(err) != want {
			t.Errorf("error is %q, want %q", message(err), want)
		}
	})

	t.Run("the API server starts again on what etcd holds", func(t *testing.T) {
		flag := "--audit-log-path=" + filepath.Join(logs, "audit.log")
		if err := c.RestartAPIServer(ctx, flag); err != nil {
			t.Fatal(err)
		}
		kubectl(ctx, t, c, c.Admin, "", "get", "deployment/guestbook", "-n", "shop")
		if found := running(t, flag); len(found) != 1 {
			t.Errorf("running with the new flag are %q, want the API server alone", found)
		}
	})

	// On SIGTERM the API server waits for those who watch. Stop doesn't.
	watch, err := admin.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	began := time.Now()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("Stop took %s, want a few seconds", took)
	}
	assertNothingLeft(t, temp)
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager"} {
		if info, err := os.Stat(filepath.Join(logs, name+".log")); err != nil || info.Size() == 0 {
			t.Errorf("the log of %s is missing or empty (error: %v)", name, err)
		}
	}
	if err := c.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
}

func TestStartWithoutControllerManager(t *testing.T) {
	ctx := realTest(t)
	dir := t.TempDir()
	policy, audit := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	writeFile(t, policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", 0o644)
	c, err := Start(ctx, Options{
		Progress:      t.Output(),
		APIServerArgs: []string{"--audit-policy-file=" + policy, "--audit-log-path=" + audit},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })

	// Nobody made the ServiceAccount default, and still a Pod can be made.
	kubectl(ctx, t, c, c.Admin, "", "run", "guestbook", "--image=guestbook")
	if c.Binaries.ControllerManager != "" {
		t.Errorf("the controller manager %s was looked for in vain", c.Binaries.ControllerManager)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	events, err := os.ReadFile(audit)
	if err != nil || !strings.Contains(string(events), `"verb":"create","user":{"username":"admin"`) {
		t.Errorf("the audit log has %d bytes, and not the admin's request (error: %v)", len(events), err)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary directory %s should have gone: %v", c.Dir, err)
	}
}

func TestStartErrors(t *testing.T) {
	ctx := realTest(t)

	t.Run("a flag that isn't there", func(t *testing.T) {
		temp, logs := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", temp)
		c, err := Start(ctx, Options{Progress: t.Output(), Dir: logs, APIServerArgs: []string{"--no-such-flag=1"}})
		if err == nil {
			_ = c.Stop()
			t.Fatal("it started")
		}
		for _, want := range []string{"start Kubernetes ", ": kube-apiserver: ", "; its log " + logs + "/kube-apiserver.log ends in:\n", "unknown flag: --no-such-flag"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error is %q, without %q", err, want)
			}
		}
		assertNothingLeft(t, temp)
	})

	t.Run("cancelled", func(t *testing.T) {
		temp, logs := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", temp)
		ctx, cancel := context.WithCancelCause(ctx)
		go func() { // as soon as the API server is starting
			defer cancel(errors.New("enough"))
			_ = waitFor(ctx, func(context.Context) (bool, error) {
				info, err := os.Stat(filepath.Join(logs, "kube-apiserver.log"))
				return err == nil && info.Size() > 0, err
			})
		}()
		c, err := Start(ctx, Options{Progress: t.Output(), Dir: logs})
		if err == nil {
			_ = c.Stop()
			t.Fatal("it started")
		}
		if !strings.HasSuffix(err.Error(), ": enough") {
			t.Errorf("error is %q, want it to end in the context's cause", err)
		}
		assertNothingLeft(t, temp)
	})
}
