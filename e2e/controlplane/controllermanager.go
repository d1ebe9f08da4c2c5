package controlplane

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// startControllerManager starts kube-controller-manager and waits until it has made the
// ServiceAccount default in the namespace default.
func (c *ControlPlane) startControllerManager(ctx context.Context) error {
	user, err := c.AddUser("system:kube-controller-manager")
	if err != nil {
		return err
	}
	certs := c.plane.APIServer.CertDir
	rootCA := filepath.Join(certs, "root-ca.crt")
	if err := os.WriteFile(rootCA, c.plane.APIServer.CA, 0o644); err != nil {
		return err
	}
	script, log, err := c.prepare(controllerManagerName, c.Binaries.ControllerManager)
	if err != nil {
		return err
	}
	cmd := exec.Command(script,
		"--kubeconfig="+user.Kubeconfig,
		"--use-service-account-credentials",
		// The key that envtest makes for the API server to sign tokens with.
		"--service-account-private-key-file="+filepath.Join(certs, "sa-signer.key"),
		"--root-ca-file="+rootCA,
		"--controllers=*,-nodeipam", // nodeipam wants a network for Pods
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--secure-port=0", // nobody asks it anything, so it needs no port
		// Tests wait for it, and the defaults are meant to spare a production API server.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
	cmd.Stdout, cmd.Stderr = log, log
	c.launcher.do(func() { c.manager, err = startProcess(controllerManagerName, cmd) })
	if err != nil {
		return c.explain(controllerManagerName, err)
	}

	client, err := kubernetes.NewForConfig(c.Admin.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-c.manager.ended:
			cancel(errors.New("it ended while starting"))
		case <-ctx.Done():
		}
	}()
	err = waitFor(ctx, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
	if err != nil {
		return c.explain(controllerManagerName, err)
	}
	return nil
}
