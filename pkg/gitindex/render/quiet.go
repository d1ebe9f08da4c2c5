package render

import (
	"io"
	"log"
	"os"
)

// quiet keeps Kustomize's warnings of deprecated fields off standard error
// until the returned function is called. It has no setting for them: it
// writes to os.Stderr, and of unused vars to the standard logger, so those are
// what has to be replaced. It is called while nothing else renders, and only for
// kustomizations that do have such fields.
func quiet() (loud func()) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return func() {}
	}
	stderr, logs := os.Stderr, log.Writer()
	os.Stderr = null
	log.SetOutput(io.Discard)
	return func() {
		os.Stderr = stderr
		log.SetOutput(logs)
		_ = null.Close()
	}
}
