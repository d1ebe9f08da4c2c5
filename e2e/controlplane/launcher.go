package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// launcher wraps programs so that they end with this process, however it ends, and so that their
// process IDs are known. envtest offers neither, but it runs whatever path it is given: a shell
// script that notes its process ID, asks the kernel for a parent-death signal (Linux, through
// setpriv, which is part of util-linux), and becomes the program.
//
// The kernel sends that signal when the parent's thread ends, not its process. So whatever starts
// such a script must run on the launcher's thread, through do.
type launcher struct {
	dir     string
	setpriv string // its path; empty: no parent-death signal here
	work    chan func()
}

// newLauncher returns a launcher that writes its scripts into dir. It must be closed.
func newLauncher(dir string) *launcher {
	l := &launcher{dir: dir, work: make(chan func())}
	if path, err := exec.LookPath("setpriv"); err == nil && runtime.GOOS == "linux" {
		if exec.Command(path, "--pdeathsig", "KILL", "true").Run() == nil { // busybox's can't
			l.setpriv = path
		}
	}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		for work := range l.work {
			work()
		}
	}()
	return l
}

// do calls work on the launcher's thread, and returns when it has returned.
func (l *launcher) do(work func()) {
	done := make(chan struct{})
	l.work <- func() { defer close(done); work() }
	<-done
}

// close ends the launcher's thread, and with it what still runs, where setpriv is to be had.
func (l *launcher) close() { close(l.work) }

// script writes the script that runs program under a name, and returns the script's path.
func (l *launcher) script(name, program string) (string, error) {
	command := quote(program)
	if l.setpriv != "" {
		command = quote(l.setpriv) + " --pdeathsig KILL " + command
	}
	path := filepath.Join(l.dir, name)
	text := fmt.Sprintf("#!/bin/sh\necho $$ >%s\nexec %s \"$@\"\n", quote(path+".pid"), command)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		return "", fmt.Errorf("write the script that starts %s: %w", name, err)
	}
	return path, nil
}

// pid returns the process ID of the program that runs under a name; 0 if none was ever started.
func (l *launcher) pid(name string) int {
	text, err := os.ReadFile(filepath.Join(l.dir, name+".pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// kill ends the program that runs under a name, at once.
func (l *launcher) kill(name string) {
	if pid := l.pid(name); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
	}
}

// gone waits until the program that ran under a name has ended, which SIGKILL makes it do.
func (l *launcher) gone(name string) error {
	pid := l.pid(name)
	if pid == 0 {
		return nil
	}
	deadline := time.Now().Add(10 * time.Second)
	for again := time.NewTicker(5 * time.Millisecond); ; <-again.C {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			again.Stop()
			return nil
		}
		if time.Now().After(deadline) {
			again.Stop()
			return fmt.Errorf("stop %s: process %d still runs 10 seconds after SIGKILL", name, pid)
		}
	}
}

// quote makes text one word of a shell command.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
