// Package version says which gitonly this is.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// String is what --version prints: the version that the Go toolchain found in
// Git when it built this, such as v0.3.1, or "(devel)" where it found none, with
// the toolchain and platform.
func String() string {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("%s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
