// Package e2e_test plays the scenarios in scenarios/ with a real API server,
// controller manager, kubectl and Git server. README.md explains the scripts.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/util/version"

	"gitonly.dev/gitonly/e2e/stage"
)

// oldest is the first version of Kubernetes that gitonly supports.
const oldest = "1.29.6"

func TestScenarios(t *testing.T) {
	c := start(t, stage.Options{})
	var played sync.Map
	t.Run("together", func(t *testing.T) { play(t, c, &played, scripts(t, "scenarios")...) })
	for _, script := range scripts(t, "scenarios/alone") {
		t.Run("alone", func(t *testing.T) { play(t, c, &played, script) })
	}
	everyScriptPlayed(t, &played)
}

// TestTheOldestSupportedVersion plays what depends on the API server most.
func TestTheOldestSupportedVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("a second control plane takes long")
	}
	c := start(t, stage.Options{Version: oldest})
	play(t, c, new(sync.Map),
		"scenarios/a-developer-cannot-scale-a-declared-deployment.txtar",
		"scenarios/the-control-plane-is-not-hindered.txtar",
		"scenarios/deleting-all-is-decided-object-by-object.txtar",
		"scenarios/audit-mode-warns.txtar",
	)
}

// cluster is a stage, and what its API server tells of the webhooks' answers.
type cluster struct {
	*stage.Stage
	auditLog string
}

// start starts a stage whose API server writes an audit log.
func start(t *testing.T, o stage.Options) *cluster {
	t.Helper()
	o.Dir, o.Progress = t.TempDir(), t.Output()
	policy := filepath.Join(o.Dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(o.Dir, "audit.log")
	o.APIServerArgs = []string{"--audit-policy-file=" + policy, "--audit-log-path=" + log}
	s, err := stage.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &cluster{Stage: s, auditLog: log}
}

// play plays scripts, as many at a time as the tests' parallelism allows.
func play(t *testing.T, c *cluster, played *sync.Map, files ...string) {
	testscript.Run(t, testscript.Params{
		Files:              files,
		WorkdirRoot:        t.TempDir(),
		RequireUniqueNames: true,
		Cmds:               commands(),
		Condition:          func(condition string) (bool, error) { return from(c, condition) },
		Setup: func(env *testscript.Env) error {
			scene, err := open(context.Background(), c, env)
			if err != nil {
				return err
			}
			env.Values[scenarioKey{}] = scene
			env.Defer(func() {
				scene.close()
				played.Store(scene.name, true)
			})
			return nil
		},
	})
}

// from is the condition [from:1.33]: the API server and kubectl are of this minor
// release or a later one.
func from(c *cluster, condition string) (bool, error) {
	least, ok := strings.CutPrefix(condition, "from:")
	if !ok {
		return false, fmt.Errorf("the only condition is [from:1.MINOR]")
	}
	wanted, err := version.ParseGeneric(least)
	if err != nil {
		return false, err
	}
	is, err := version.ParseGeneric(c.Plane.Binaries.Version)
	return err == nil && is.AtLeast(wanted), err
}

// scripts are the files of scenarios in a folder.
func scripts(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
