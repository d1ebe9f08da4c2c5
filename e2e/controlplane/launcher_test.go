package controlplane

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test binary runs itself with this variable set, to be the parent that is killed.
const envDoomed = "CONTROLPLANE_TEST_DOOMED_IN"

// What a launcher starts must end with the process that started it, even when that is killed.
func TestLauncherParentDeath(t *testing.T) {
	if dir := os.Getenv(envDoomed); dir != "" {
		doomed(t, dir)
		return
	}
	if l := newLauncher(t.TempDir()); l.setpriv == "" {
		l.close()
		t.Skip("setpriv, which makes this work on Linux, isn't to be had")
	} else {
		l.close()
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestLauncherParentDeath$")
	parent.Env = append(os.Environ(), envDoomed+"="+t.TempDir())
	// The child inherits this pipe: it ends only when parent and child have both ended.
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = parent.Wait() }()
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	if err != nil || line != "child runs\n" {
		_ = parent.Process.Kill()
		t.Fatalf("the parent printed %q (error: %v), want child runs", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil {
		t.Errorf("wait for the child's end: %v (it printed %q)", err, rest)
	}
}

// doomed starts a child that would run for an hour, and waits to be killed.
func doomed(t *testing.T, dir string) {
	l := newLauncher(dir)
	script, err := l.script("sh", "/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(script, "-c", "echo child runs; exec sleep 3600")
	child.Stdout = os.Stdout
	l.do(func() { err = child.Start() })
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
}

func TestLauncherScript(t *testing.T) {
	l := newLauncher(t.TempDir() + "/it's here")
	defer l.close()
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if pid := l.pid("printer"); pid != 0 {
		t.Errorf("before the start, the process ID is %d, want 0", pid)
	}
	script, err := l.script("printer", "/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, "--flag=a  b", "$HOME")
	var out strings.Builder
	cmd.Stdout = &out
	l.do(func() { err = cmd.Run() })
	if err != nil || out.String() != "--flag=a  b $HOME\n" {
		t.Errorf("printed %q (error: %v), want its arguments", out.String(), err)
	}
	if got, want := fmt.Sprint(l.pid("printer")), fmt.Sprint(cmd.Process.Pid); got != want {
		t.Errorf("process ID is %s, want %s", got, want)
	}
	if err := l.gone("printer"); err != nil {
		t.Error(err)
	}
}
