package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/util/wait"
)

// command is a command of the scripts.
type command struct {
	usage string // README.md says more
	run   func(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error
}

// errRefused is the failure that a script may want, with ! in front: all other
// errors are the script's own.
var errRefused = errors.New("refused")

func table() map[string]command {
	return map[string]command{
		"as":        {"as USER COMMAND...", as},
		"message":   {"message FILE", message},
		"output":    {"output FILE", output},
		"table":     {"table FILE", tabular},
		"reason":    {"reason [-by USER -on RESOURCE] REASON...", reason},
		"logged":    {"logged FILE", logged},
		"commit":    {"commit [-m MESSAGE] [-force] [-signed] DIR", commit},
		"caught-up": {"caught-up", caughtUp},
		"git":       {"git away|back", git},
		"push":      {"push TOKEN", push},
		"namespace": {"namespace NAME [LABEL=VALUE...]", namespace},
		"crds":      {"crds", crds},
		"reports":   {"reports", reports},
		"start":     {"start [-cluster] [-unready] [-pushes=SECRET] [--flag=value...]", startWebhook},
		"restart":   {"restart", restart},
		"terminate": {"terminate", terminate},
		"ready":     {"ready FILE", ready},
		"serve":     {"serve valid|expired", certify},
		"review":    {"review FILE", review},
		"show":      {"show log|metrics", show},
		"log-has":   {"log-has TEXT", logHas},
		"measured":  {"measured", measured},
		"measures":  {"measures SERIES", measures},
	}
}

// commands are what testscript calls.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	known := table()
	all := map[string]func(*testscript.TestScript, bool, []string){}
	for name := range known {
		all[name] = func(ts *testscript.TestScript, negated bool, args []string) {
			ts.Check(attempt(known, ts, negated, name, args))
		}
	}
	all["eventually"] = func(ts *testscript.TestScript, negated bool, args []string) {
		if len(args) == 0 || negated {
			ts.Fatalf("usage: eventually [!] COMMAND...")
		}
		ts.Check(eventually(known, ts, args))
	}
	return all
}

// attempt runs a command once.
func attempt(known map[string]command, ts *testscript.TestScript, negated bool, name string, args []string) error {
	c, ok := known[name]
	if !ok {
		return fmt.Errorf("unknown command %q: there are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	scene := ts.Value(scenarioKey{}).(*scenario)
	err := c.run(ctx, scene, ts, args)
	switch {
	case errors.Is(err, errUsage):
		return fmt.Errorf("usage: %s", c.usage)
	case !negated:
		return err
	case err == nil:
		return errors.New("it succeeded, and should not have")
	case errors.Is(err, errRefused):
		return nil
	}
	return err
}

// errUsage is the error of a command that is written wrongly.
var errUsage = errors.New("usage")

// eventually runs a command until it does what the script wants. It must be one
// that may be run often.
func eventually(known map[string]command, ts *testscript.TestScript, args []string) error {
	negated := args[0] == "!"
	if negated {
		args = args[1:]
	}
	scene := ts.Value(scenarioKey{}).(*scenario)
	var last error
	began := time.Now()
	err := wait.PollUntilContextTimeout(context.Background(), 100*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		if last != nil {
			scene.last.read() // what an attempt printed before is not the script's concern
		}
		last = attempt(known, ts, negated, args[0], args[1:])
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not within %s: %w", time.Since(began).Round(time.Second), last)
	}
	return nil
}
