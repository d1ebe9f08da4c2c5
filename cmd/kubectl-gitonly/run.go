package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gitonly.dev/gitonly/pkg/version"
)

// run is the program: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "kubectl-gitonly",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl gitonly"},
		Short:         "See what Git declares and what gitonly says about a change, and break the glass",
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(statusCommand(), breakGlassCommand(), backportCommand(), renderCommand(), reviewCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	return 0
}

// offline are the flags of the commands that work from --config.
type offline struct{ config, cache string }

func (o *offline) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "", "folder with GitSources, GuardPolicies and Secrets, as the webhook's --config")
	cmd.Flags().StringVar(&o.cache, "cache-dir", defaultCache(), "folder for what is fetched")
	_ = cmd.MarkFlagRequired("config") // it errs only for a flag that isn't there
	_ = cmd.MarkFlagDirname("config")
}

func defaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "gitonly", "kubectl")
}
