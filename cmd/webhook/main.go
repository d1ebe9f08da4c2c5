// Command webhook is gitonly's admission webhook: it keeps an index of what Git
// declares, and answers the API server about each write.
package main

import (
	"os"

	_ "golang.org/x/crypto/x509roots/fallback" // the image has no certificates of its own
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"gitonly.dev/gitonly/pkg/gitindex/render"
)

func main() {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(run(signals.SetupSignalHandler(), os.Args[1:], os.Stdout, os.Stderr))
}
