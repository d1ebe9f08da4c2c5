package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	etcdName      = "etcd"
	apiServerName = "kube-apiserver"

	// stopGrace is how long a process gets to end by itself. The API server would take more than a
	// minute when something watches; its data is thrown away, so there is nothing to wait for.
	stopGrace = 2 * time.Second

	portAttempts = 3
)

// flag is a command-line flag, with all its values.
type flag struct {
	name   string
	values []string
}

// parseFlags reads flags written --name=value, and gathers those of the same name.
func parseFlags(args []string) ([]flag, error) {
	var flags []flag
	index := map[string]int{}
	for _, arg := range args {
		rest, dashes := strings.CutPrefix(arg, "--")
		name, value, assigned := strings.Cut(rest, "=")
		if !dashes || !assigned || name == "" {
			return nil, fmt.Errorf("API server argument %q isn't written --name=value", arg)
		}
		i, seen := index[name]
		if !seen {
			i = len(flags)
			index[name] = i
			flags = append(flags, flag{name: name})
		}
		flags[i].values = append(flags[i].values, value)
	}
	return flags, nil
}

// startAPIServer starts etcd and kube-apiserver through envtest.
func (c *ControlPlane) startAPIServer(ctx context.Context, manager bool, flags []flag) error {
	for attempt := 1; ; attempt++ {
		plane, err := c.newPlane(manager, flags)
		if err != nil {
			return err
		}
		c.plane = plane
		if err = c.startPlane(ctx); err == nil {
			return nil
		}
		// Between envtest's choice of a free port and the bind, anyone can take it.
		if attempt == portAttempts || ctx.Err() != nil || !c.portTaken() {
			return err
		}
		if err := c.stopAPIServer(); err != nil {
			return err
		}
	}
}

func (c *ControlPlane) newPlane(manager bool, flags []flag) (*envtest.ControlPlane, error) {
	dir, err := os.MkdirTemp(c.state, "plane-")
	if err != nil {
		return nil, err
	}
	etcdScript, etcdLog, err := c.prepare(etcdName, c.Binaries.Etcd)
	if err != nil {
		return nil, err
	}
	serverScript, serverLog, err := c.prepare(apiServerName, c.Binaries.APIServer)
	if err != nil {
		return nil, err
	}
	etcd := &envtest.Etcd{
		Path: etcdScript, Out: etcdLog, Err: etcdLog, DataDir: filepath.Join(dir, "etcd"),
		StartTimeout: startTimeout, StopTimeout: stopGrace,
	}
	server := &envtest.APIServer{
		Path: serverScript, Out: serverLog, Err: serverLog, CertDir: dir,
		StartTimeout: startTimeout, StopTimeout: stopGrace,
	}

	args := server.Configure()
	args.Set("authorization-mode", "RBAC")
	// Without a default route the API server finds no address of its own to advertise, and it
	// accepts none on the loopback interface as an endpoint.
	args.Set("advertise-address", "127.0.0.1")
	args.Set("endpoint-reconciler-type", "none")
	if manager {
		// envtest turns ServiceAccount admission off, for want of one who makes ServiceAccounts.
		args.Disable("disable-admission-plugins")
	}
	for _, flag := range flags {
		args.Set(flag.name, flag.values...)
	}
	return &envtest.ControlPlane{Etcd: etcd, APIServer: server, KubectlPath: c.Binaries.Kubectl}, nil
}

// startPlane has envtest start the processes, and ends them when ctx ends meanwhile.
func (c *ControlPlane) startPlane(ctx context.Context) error {
	started := make(chan error, 1)
	go c.launcher.do(func() { started <- c.plane.Start() })
	select {
	case err := <-started:
		if err == nil {
			return nil
		}
		name := apiServerName
		if c.plane.APIServer.EtcdURL == nil { // envtest sets it once etcd is up
			name = etcdName
		}
		return c.explain(name, err)
	case <-ctx.Done():
	}
	// envtest may be just about to start the next one, so go on until it gives up.
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		c.launcher.kill(apiServerName)
		c.launcher.kill(etcdName)
		select {
		case <-started:
			return context.Cause(ctx)
		case <-again.C:
		}
	}
}

// portTaken says whether a process found its port in use.
func (c *ControlPlane) portTaken() bool {
	for _, name := range []string{etcdName, apiServerName} {
		text, err := os.ReadFile(filepath.Join(c.Dir, name+".log"))
		if err == nil && strings.Contains(string(text), "address already in use") {
			return true
		}
	}
	return false
}

func (c *ControlPlane) stopAPIServer() error {
	if c.plane == nil {
		return nil
	}
	// Its error says that it had to kill, or that the process had ended; what counts is that both are gone.
	_ = c.plane.APIServer.Stop()
	_ = c.plane.Etcd.Stop()
	return errors.Join(c.launcher.gone(apiServerName), c.launcher.gone(etcdName))
}

// waitForAPIServer waits until all checks of the API server pass and it has made the namespace
// default, which it does some time after it begins to serve.
func (c *ControlPlane) waitForAPIServer(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Admin.Config)
	if err != nil {
		return err
	}
	err = waitFor(ctx, func(ctx context.Context) (bool, error) {
		status := 0
		client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status)
		if status != http.StatusOK {
			return false, fmt.Errorf("/readyz answers with status %d", status)
		}
		_, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err == nil, err
	})
	if err != nil {
		return c.explain(apiServerName, err)
	}
	return nil
}

// waitFor asks until done says yes. When ctx ends first, the error has done's last one too.
func waitFor(ctx context.Context, done func(context.Context) (bool, error)) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		ok, err := done(ctx)
		if ok {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			if err == nil || errors.Is(err, ctx.Err()) {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%w; the last answer was: %w", context.Cause(ctx), err)
		}
	}
}
