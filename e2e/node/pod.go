package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod is a Pod that runs here.
type pod struct {
	spec *corev1.Pod
	root string // what would be mounted, by mountPath
	ip   string // its address, the first byte left out

	projected   map[string]map[string][]byte // what is in which folder
	projections int

	cmd    *exec.Cmd // nil until its volumes are there
	exited chan struct{}
	ending bool
	ready  bool
	told   bool // the API server knows of ready

	probed   time.Time
	failures int32 // since it last was ready
}

func (p *pod) container() *corev1.Container { return &p.spec.Spec.Containers[0] }

// address is that of a named port, on loopback.
func (p *pod) address(port string) string {
	for _, named := range p.container().Ports {
		if named.Name == port {
			port = strconv.Itoa(int(named.ContainerPort))
		}
	}
	return net.JoinHostPort(loopback+p.ip, port)
}

// start starts a Pod's container. It has the environment of a container, and none
// of this process's.
func (n *Node) start(ctx context.Context, p *pod) error {
	container := p.container()
	if len(p.spec.Spec.Containers) != 1 || len(container.Command) > 0 {
		return errors.New("only Pods with one container, which runs its image's entrypoint, are known here")
	}
	if container.ReadinessProbe == nil || container.ReadinessProbe.HTTPGet == nil {
		return errors.New("only Pods with a readinessProbe by HTTP are known here")
	}
	account, err := n.options.Plane.ServiceAccountUser(ctx, p.spec.Namespace, p.spec.Spec.ServiceAccountName)
	if err != nil {
		return err
	}
	// What a container finds at fixed places; and its host's name, which is the Pod's.
	env := []string{"KUBECONFIG=" + account.Kubeconfig, "TMPDIR=" + filepath.Join(p.root, "tmp"), "POD_NAME=" + p.spec.Name}
	for _, variable := range container.Env {
		value, err := p.value(variable)
		if err != nil {
			return err
		}
		env = append(env, variable.Name+"="+value)
	}
	args := append([]string{}, container.Args...)
	for _, arg := range n.options.Args {
		args = append(args, os.Expand(arg, func(name string) string {
			return map[string]string{"ADDRESS": loopback + p.ip, "ROOT": p.root}[name]
		}))
	}
	log, err := os.Create(p.log())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, exited := exec.Command(n.options.Program, args...), make(chan struct{})
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.root, env, log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.exited = cmd, exited
	go func() {
		_ = cmd.Wait() // the log says why it ended
		close(exited)
	}()
	return nil
}

// value is that of a variable in a container's environment.
func (p *pod) value(variable corev1.EnvVar) (string, error) {
	if variable.ValueFrom == nil {
		return variable.Value, nil
	}
	if field := variable.ValueFrom.FieldRef; field != nil && field.FieldPath == "metadata.namespace" {
		return p.spec.Namespace, nil
	}
	return "", fmt.Errorf("variable %s is from where isn't known here", variable.Name)
}

func (p *pod) log() string { return p.root + ".log" }

// probe asks whether the Pod is ready, as its readinessProbe says. One that isn't is
// asked more often than that, for tests wait for it. One that was never started isn't.
func (p *pod) probe(ctx context.Context) (ready bool) {
	if p.cmd == nil {
		return false
	}
	probe := p.container().ReadinessProbe
	if p.ready && time.Since(p.probed) < time.Duration(probe.PeriodSeconds)*time.Second {
		return true
	}
	p.probed = time.Now()
	if err := p.get(ctx, probe.HTTPGet); err != nil {
		p.failures++
		return p.ready && p.failures < probe.FailureThreshold
	}
	p.failures = 0
	return true
}

func (p *pod) get(ctx context.Context, get *corev1.HTTPGetAction) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // a test's machine may be slow
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address(get.Port.String())+get.Path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// status is what the API server is told of the Pod.
func (p *pod) status() []byte {
	ready, now := "False", metav1.Now().UTC().Format(time.RFC3339)
	if p.ready {
		ready = "True"
	}
	ip := podNetwork + p.ip
	return fmt.Appendf(nil, `{"status": {"phase": "Running", "podIP": %q, "podIPs": [{"ip": %q}], "conditions": [
		{"type": "ContainersReady", "status": %q, "lastTransitionTime": %q}, {"type": "Ready", "status": %q, "lastTransitionTime": %q}]}}`,
		ip, ip, ready, now, ready, now)
}

// end ends the process as a Pod's end does, or at once when ctx ends. The error says
// that it had ended by itself, or had to be killed.
func (p *pod) end(ctx context.Context) error {
	if err := p.failure(); err != nil || p.cmd == nil {
		return err
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	grace := time.Duration(*p.spec.Spec.TerminationGracePeriodSeconds) * time.Second
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		p.kill()
		return nil
	case <-time.After(grace):
	}
	p.kill()
	return fmt.Errorf("its process still ran %s after it was told to end:\n%s", grace, p.tail())
}

// failure is an error if the process has ended, which nobody told it to.
func (p *pod) failure() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.exited:
		return fmt.Errorf("its process ended by itself (%s):\n%s", p.cmd.ProcessState, p.tail())
	default:
		return nil
	}
}

// kill ends the process at once, if it runs.
func (p *pod) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// tail is the end of the log.
func (p *pod) tail() []byte {
	log, err := os.ReadFile(p.log())
	if err != nil {
		return []byte(err.Error())
	}
	return log[max(0, len(log)-4000):]
}
