package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

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
	c.launcher.do(func() { c.manager, err = startProcess(cmd) })
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

// process is a running program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// startProcess starts cmd in a process group of its own: an interrupt from the terminal is for the
// test, which then stops everything in order.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the log says more
	}()
	return p, nil
}

// stop asks the process to end, and kills it if it doesn't.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", controllerManagerName, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopGrace):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", controllerManagerName, err)
	}
	<-p.ended
	return nil
}
