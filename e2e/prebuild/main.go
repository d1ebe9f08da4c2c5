// Command prebuild builds the control planes that the tests start, where
// people see how far it is: go test shows nothing until a test ends.
//
//	go run ./e2e/prebuild 1.37.2 1.29.6
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"gitonly.dev/gitonly/e2e/controlplane"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, versions []string) int {
	for _, version := range versions {
		if _, err := controlplane.Build(ctx, version, os.Stderr); err != nil {
			fmt.Fprintf(os.Stderr, "prebuild: %v\n", err)
			return 1
		}
	}
	return 0
}
