// Command prebuild builds the control planes, the GitOps agents and the tools that
// the tests start, where people see how far it is: go test shows nothing until a
// test ends.
//
//	go run ./e2e/prebuild 1.37.2 1.29.6
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/sight"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "prebuild: %v\n", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, versions []string) error {
	for _, version := range versions {
		if _, err := controlplane.Build(ctx, version, os.Stderr); err != nil {
			return err
		}
	}
	if err := agents.Build(ctx, os.Stderr); err != nil {
		return err
	}
	return sight.Build(ctx, os.Stderr)
}
