package controlplane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is how long Start waits for the processes to be ready, once they are built.
const startTimeout = 2 * time.Minute

// Options say what to start. The zero value starts etcd and kube-apiserver.
type Options struct {
	// Version is the Kubernetes version, such as 1.37.2. Empty means the one in
	// KUBERNETES_VERSION, or else DefaultVersion.
	Version string

	// Progress is told what Start builds, and how long that takes. Nil discards it.
	Progress io.Writer

	// Dir is where the logs go: etcd.log, kube-apiserver.log and kube-controller-manager.log. It is
	// made if need be, and Stop leaves it alone. Empty means a temporary directory, which Stop
	// removes; it is also removed when Start fails, whose error has the end of the log.
	Dir string

	// APIServerArgs are more flags for kube-apiserver, each written --name=value. They replace what
	// it would get for the same name; a name that comes twice is passed twice.
	APIServerArgs []string

	// ControllerManager says whether to run kube-controller-manager. Without it no ReplicaSet
	// follows a Deployment, nothing is garbage collected, no namespace ends, and, as no
	// ServiceAccount is made for new namespaces, the ServiceAccount admission plugin is off.
	ControllerManager bool
}

// ControlPlane is a running control plane. Its methods may be called from several goroutines.
type ControlPlane struct {
	Binaries Binaries
	// Admin is a user in the group system:masters, so RBAC grants it everything.
	Admin User
	// Dir is where the logs are.
	Dir string

	state    string // certificates, data, kubeconfigs: gone after Stop
	launcher *launcher
	plane    *envtest.ControlPlane
	manager  *Process // nil: none
	logs     []*os.File
	users    sync.Mutex
	stop     func() error

	launching sync.Mutex
	launched  []*Process
}

// Start builds what isn't built yet, starts the processes on free ports of the loopback interface,
// with RBAC, and returns when they serve: the API server is ready, the default namespace is there,
// and, with a controller manager, so is the ServiceAccount in it. If any of that fails, or ctx ends
// before, nothing is left behind. After Start, ctx has no meaning any more; Stop ends the processes,
// and on Linux so does the end of this process.
func Start(ctx context.Context, opts Options) (*ControlPlane, error) {
	wanted := tools()
	if !opts.ControllerManager {
		wanted = slices.DeleteFunc(wanted, func(t tool) bool { return t.name == controllerManagerName })
	}
	flags, err := parseFlags(opts.APIServerArgs)
	if err != nil {
		return nil, err
	}
	dir := opts.Dir
	if dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, fmt.Errorf("find the directory for logs %s: %w", opts.Dir, err)
		}
	}
	binaries, err := find(ctx, settingsFrom(os.Getenv, opts.Version), wanted, opts.Progress)
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp("", "gitonly-controlplane-")
	if err != nil {
		return nil, fmt.Errorf("make the control plane's directory: %w", err)
	}
	c := &ControlPlane{Binaries: binaries, Dir: cmp.Or(dir, state), state: state, launcher: newLauncher(state)}
	c.stop = sync.OnceValue(c.end)

	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it took more than %s", startTimeout))
	defer cancel()
	if err := c.start(ctx, opts.ControllerManager, flags); err != nil {
		return nil, errors.Join(fmt.Errorf("start Kubernetes %s: %w", binaries.Version, err), c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, manager bool, flags []flag) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, manager, flags); err != nil {
		return err
	}
	var err error
	if c.Admin, err = c.AddUser("admin", "system:masters"); err != nil {
		return err
	}
	if err := c.waitForAPIServer(ctx); err != nil {
		return err
	}
	if !manager {
		return nil
	}
	return c.startControllerManager(ctx)
}

// Stop ends all processes, launched ones too, and removes their data; the logs stay if Options.Dir was set. It takes a
// few seconds at most: a process that doesn't end by itself in two is killed. Calling it again does
// nothing, and returns the same error.
func (c *ControlPlane) Stop() error { return c.stop() }

func (c *ControlPlane) end() error {
	var errs []error
	for _, p := range slices.Backward(c.launched) {
		errs = append(errs, p.Stop())
	}
	if c.manager != nil {
		errs = append(errs, c.manager.Stop())
	}
	errs = append(errs, c.stopAPIServer())
	c.launcher.close()
	for _, log := range c.logs {
		errs = append(errs, log.Close())
	}
	if err := os.RemoveAll(c.state); err != nil {
		errs = append(errs, fmt.Errorf("remove the control plane's data: %w", err))
	}
	return errors.Join(errs...)
}

// Kubectl returns the command kubectl args..., run as a user.
func (c *ControlPlane) Kubectl(ctx context.Context, as User, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Binaries.Kubectl, args...)
	cmd.Env = append(os.Environ(), c.KubectlEnv(as)...)
	return cmd
}

// KubectlEnv returns the environment variables, each written NAME=value, with which kubectl runs as
// a user and leaves the home directory alone. KUBECONFIG by itself isn't enough: the discovery cache
// at home is keyed by port, so it may hold what an earlier control plane served.
func (c *ControlPlane) KubectlEnv(as User) []string {
	return []string{
		"KUBECONFIG=" + as.Kubeconfig,
		"KUBECACHEDIR=" + filepath.Join(c.state, "kubectl"),
		"KUBERC=off",
	}
}

// prepare makes what a program is started with: its script, and its log, empty.
func (c *ControlPlane) prepare(name, binary string) (script string, log *os.File, err error) {
	if script, err = c.launcher.script(name, binary); err != nil {
		return "", nil, err
	}
	if log, err = os.Create(filepath.Join(c.Dir, name+".log")); err != nil {
		return "", nil, fmt.Errorf("make the log of %s: %w", name, err)
	}
	c.logs = append(c.logs, log)
	return script, log, nil
}

// explain adds the end of a program's log to an error, and where it is if it will be kept.
func (c *ControlPlane) explain(name string, err error) error {
	path := filepath.Join(c.Dir, name+".log")
	text, readErr := os.ReadFile(path)
	if readErr != nil || len(text) == 0 {
		return fmt.Errorf("%s: %w", name, err)
	}
	which := "its log"
	if c.Dir != c.state {
		which += " " + path
	}
	return fmt.Errorf("%s: %w; %s ends in:\n%s", name, err, which, tail(string(text), 20))
}

// tail returns the last lines of text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
