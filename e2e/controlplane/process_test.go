package controlplane

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestLaunch(t *testing.T) {
	state, logs := t.TempDir(), t.TempDir()
	c := &ControlPlane{Dir: logs, state: state, launcher: newLauncher(state)}
	defer c.launcher.close()

	quick, err := c.Launch(Program{Name: "quick", Path: "/bin/sh", Args: []string{"-c", `echo "$GREETING $1"`, "sh", "it's  me"}, Env: []string{"GREETING=hello"}})
	if err != nil {
		t.Fatal(err)
	}
	<-quick.Ended()
	if err := quick.Stop(); err != nil { // it has ended already
		t.Error(err)
	}
	if log, err := os.ReadFile(filepath.Join(logs, "quick.log")); err != nil || string(log) != "hello it's  me\n" {
		t.Errorf("its log is %q (error: %v), want hello it's  me", log, err)
	}

	for name, script := range map[string]string{
		"polite": `echo ready; exec sleep 3600`,
		"deaf":   `trap "" TERM; echo ready; while :; do sleep 1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			p, err := c.Launch(Program{Name: name, Path: "/bin/sh", Args: []string{"-c", script}})
			if err != nil {
				t.Fatal(err)
			}
			err = waitFor(t.Context(), func(context.Context) (bool, error) {
				log, err := os.ReadFile(filepath.Join(logs, name+".log"))
				return string(log) == "ready\n", err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			select {
			case <-p.Ended():
			default:
				t.Error("Stop returned before it had ended")
			}
		})
	}
}
