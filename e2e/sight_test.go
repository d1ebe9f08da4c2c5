package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"gitonly.dev/gitonly/e2e/sight"
)

// measured compares what the webhook measures with the page about it.
func measured(ctx context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	text, err := s.webhook.Metrics(ctx)
	if err != nil {
		return err
	}
	exposed, err := sight.Exposed(text)
	if err != nil {
		return err
	}
	documented, err := sight.Documented("../docs/metrics.md")
	if err != nil {
		return err
	}
	if differences := sight.Compare(documented, exposed); len(differences) > 0 {
		return errors.New("docs/metrics.md:\n" + strings.Join(differences, "\n"))
	}
	return nil
}

// measures looks for a series with its value in what the webhook measures.
func measures(ctx context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	text, err := s.webhook.Metrics(ctx)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(args[0], "{")
	var is []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == args[0] {
			return nil
		} else if strings.HasPrefix(line, name) {
			is = append(is, line)
		}
	}
	return fmt.Errorf("there is no %s, but %q", args[0], is)
}

// reports installs the kinds of PolicyReports.
func reports(ctx context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	folder, err := sight.PolicyReports(ctx, s.t.Output())
	if err != nil {
		return err
	}
	for _, command := range [][]string{
		{"apply", "--server-side", "-f", folder},
		{"wait", "--for=condition=Established", "--timeout=3m", "-f", folder},
	} {
		if out, err := s.cluster.Plane.Kubectl(ctx, s.cluster.Plane.Admin, command...).CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl %s: %w\n%s", command[0], err, out)
		}
	}
	return nil
}
