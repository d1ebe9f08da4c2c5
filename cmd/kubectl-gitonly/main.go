// Command kubectl-gitonly is the kubectl plugin that people use: it shows what
// Git declares and what the webhook would say, with the webhook's own code.
package main

import (
	"os"

	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"gitonly.dev/gitonly/pkg/gitindex/render"
)

func main() {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(run(signals.SetupSignalHandler(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
