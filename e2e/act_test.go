package e2e_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// act is a scenario that is written in Go, with gitonly's kinds and no webhook yet.
type act struct {
	*scenario
	t *testing.T
}

// openAct sets the scene in a namespace.
func openAct(ctx context.Context, t *testing.T, c *cluster, name string) *act {
	t.Helper()
	a := &act{t: t, scenario: &scenario{t: t, cluster: c, name: name, dir: t.TempDir(), variables: variables{"NAMESPACE": name}}}
	a.must(a.fill("scenarios/given"))
	a.must(a.openRepository())
	t.Cleanup(a.close)
	a.must(a.expandFiles())
	a.must(a.addNamespace(ctx, name, nil))
	a.must(c.InstallCRDs(ctx))
	return a
}

func (a *act) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// kubectl runs kubectl as a user, and returns what it prints. It has to succeed.
func (a *act) kubectl(ctx context.Context, user string, stdin *bytes.Buffer, args ...string) []byte {
	a.t.Helper()
	cmd := a.cluster.Plane.Kubectl(ctx, a.cluster.Users[user], args...)
	var stderr bytes.Buffer
	if cmd.Stderr = &stderr; stdin != nil {
		cmd.Stdin = stdin
	}
	out, err := cmd.Output()
	if err != nil {
		a.t.Fatalf("%s: kubectl %v: %v\n%s", user, args, err, &stderr)
	}
	return out
}

// eventually waits until something is so.
func (a *act) eventually(ctx context.Context, what string, check func() (ok bool, is string)) {
	a.t.Helper()
	last := ""
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*patience, true, func(context.Context) (bool, error) {
		var ok bool
		ok, last = check()
		return ok, nil
	})
	if err != nil {
		a.t.Fatalf("%s: not so: %s", what, last)
	}
}
