package chart_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/agents"
)

// helm is the program, with a home of its own.
type helm struct {
	path string
	env  []string
}

func newHelm(t *testing.T, env []string) helm {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds Helm")
	}
	path, err := agents.Helm(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	env = append(env, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	return helm{path: path, env: env}
}

func (h helm) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.path, args...)
	cmd.Env = append(os.Environ(), h.env...)
	return cmd
}

func (h helm) run(ctx context.Context, args ...string) (string, error) {
	out, err := h.command(ctx, args...).CombinedOutput()
	return string(out), err
}

func (h helm) must(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, h.command(t.Context(), args...))
}

// output is what a command prints, which has to end well.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = exit.Stderr
		}
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, said, out)
	}
	return string(out)
}
