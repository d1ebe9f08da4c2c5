// Command kubectl-gitonly is the kubectl plugin that people use: it shows what
// Git declares and what the webhook would say, with the webhook's own code.
package main

import (
	"os"

	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
)

func main() {
	os.Exit(run(signals.SetupSignalHandler(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
