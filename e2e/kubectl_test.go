package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"

	"gitonly.dev/gitonly/e2e/controlplane"
)

// action is a command that a user ran.
type action struct {
	line   string
	user   controlplane.User
	began  time.Time
	offset int64 // size of the audit log before
	stdout string
	stderr string
	silent bool // nothing on stderr that nobody has read

	answered string // the reason in the answer to a review
}

// unread says that a script let a message pass: whatever a user is told must be
// what was meant.
func (a *action) unread() string {
	if a == nil || a.silent || a.stderr == "" {
		return ""
	}
	return fmt.Sprintf("the script doesn't say which message this must print:\n%s\n%s", a.line, a.stderr)
}

func (a *action) read() {
	if a != nil {
		a.silent = true
	}
}

// addUser writes a kubeconfig in which the scenario's namespace is the current
// one.
func (s *scenario) addUser(name string) error {
	config, err := clientcmd.LoadFromFile(s.cluster.Users[name].Kubeconfig)
	if err != nil {
		return err
	}
	config.Contexts[config.CurrentContext].Namespace = s.name
	return clientcmd.WriteToFile(*config, s.kubeconfig(name))
}

func (s *scenario) kubeconfig(user string) string {
	return filepath.Join(s.dir, ".kube", user)
}

// kubectlLog is what kubectl tells its makers, not its users: such as that a
// watch ended when it had seen enough.
var kubectlLog = regexp.MustCompile(`(?m)^[IWEF][0-9]{4} .*\n`)

// as runs a command as a user of the cluster.
func as(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	user, ok := s.cluster.Users[args[0]]
	if !ok {
		return fmt.Errorf("there is no user %q", args[0])
	}
	if problem := s.last.unread(); problem != "" {
		return errors.New(problem)
	}
	size, err := s.auditSize()
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	if args[1] == "kubectl" {
		cmd = s.cluster.Plane.Kubectl(ctx, user, args[2:]...)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), &stdout, &stderr
	cmd.Env = append(os.Environ(), s.cluster.Plane.KubectlEnv(user)...)
	cmd.Env = append(cmd.Env, "PATH="+s.cluster.Path(), "KUBECONFIG="+s.kubeconfig(args[0]), "KUBE_EDITOR="+ts.Getenv("KUBE_EDITOR"), "TMPDIR="+ts.Getenv("TMPDIR"))
	s.last = &action{line: strings.Join(args, " "), user: user, began: time.Now(), offset: size}
	err = cmd.Run()
	s.last.stdout, s.last.stderr = stdout.String(), kubectlLog.ReplaceAllString(stderr.String(), "")
	say(ts, s.last.stdout, s.last.stderr)
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return fmt.Errorf("%w: %s", errRefused, err)
	}
	return err
}

// say makes texts the output of the script's last command. Under eventually,
// only what the last attempt says counts.
func say(ts *testscript.TestScript, stdout, stderr string) {
	for writer, text := range map[io.Writer]string{ts.Stdout(): stdout, ts.Stderr(): stderr} {
		builder := writer.(*strings.Builder)
		builder.Reset()
		builder.WriteString(text)
	}
}

// namespace makes another namespace.
func namespace(ctx context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if !strings.HasPrefix(args[0], s.name) {
		return fmt.Errorf("the name must begin with $NAMESPACE: others would be another scenario's")
	}
	labels := map[string]string{}
	for _, label := range args[1:] {
		key, value, ok := strings.Cut(label, "=")
		if !ok {
			return errUsage
		}
		labels[key] = value
	}
	return s.addNamespace(ctx, args[0], labels)
}

// crds installs gitonly's own kinds. Objects of them are for every namespace,
// so none is left behind.
func crds(ctx context.Context, s *scenario, _ *testscript.TestScript, _ []string) error {
	s.kinds = true
	if err := s.cluster.InstallCRDs(ctx); err != nil {
		return err
	}
	// The API server keeps the first objects of a new kind waiting for some seconds.
	first := s.cluster.Plane.Kubectl(ctx, s.cluster.Plane.Admin, "create", "--dry-run=server", "-f", "-")
	first.Stdin = strings.NewReader(firstBreakGlass)
	if out, err := first.CombinedOutput(); err != nil {
		return fmt.Errorf("waiting until BreakGlasses can be made: %w\n%s", err, out)
	}
	return nil
}

const firstBreakGlass = `
apiVersion: gitonly.dev/v1alpha1
kind: BreakGlass
metadata: {name: first}
spec:
  object: {kind: Namespace, name: first}
  reason: none
  openedBy: {user: nobody}
  from: "2026-01-01T00:00:00Z"
  until: "2026-01-01T00:00:00Z"
`

// clear removes gitonly's own objects. No webhook may be asked about that.
func (s *scenario) clear(ctx context.Context) {
	clean := s.cluster.Plane.Kubectl(ctx, s.cluster.Plane.Admin, "delete", "gitsources,guardpolicies,breakglasses", "--all")
	if out, err := clean.CombinedOutput(); err != nil {
		s.t.Errorf("removing gitonly's own objects: %v\n%s", err, out)
	}
}
