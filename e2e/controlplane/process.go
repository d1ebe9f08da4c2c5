package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a running program.
type Process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// Program says what to run beside the control plane.
type Program struct {
	Name string // of its log, Name.log, in ControlPlane.Dir; no two programs may have the same
	Path string // absolute
	Args []string
	Env  []string // each NAME=value; on top of this process's own
}

// Launch starts a program. Stop ends it before the control plane, if its own Stop didn't before, and
// on Linux so does the end of this process.
func (c *ControlPlane) Launch(p Program) (*Process, error) {
	c.launching.Lock()
	defer c.launching.Unlock()
	script, log, err := c.prepare(p.Name, p.Path)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(script, p.Args...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	var started *Process
	c.launcher.do(func() { started, err = startProcess(p.Name, cmd) })
	if err != nil {
		return nil, c.explain(p.Name, err)
	}
	c.launched = append(c.launched, started)
	return started, nil
}

// startProcess starts cmd in a process group of its own: an interrupt from the terminal is for the
// test, which then stops everything in order.
func startProcess(name string, cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{name: name, cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the log says more
	}()
	return p, nil
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop asks the process to end, kills it if it doesn't, and returns when it has ended.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopGrace):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.ended
	return nil
}
