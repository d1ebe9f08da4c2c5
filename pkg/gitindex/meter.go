package gitindex

import "time"

// Meter takes note of how looks at sources go. Its methods are called from many
// goroutines at a time.
type Meter interface {
	// Fetched is told of a look at a source: how long it took to know what
	// there is, and to have it, and why that went wrong.
	Fetched(source string, took time.Duration, err error)
	// Rendered is told of each rendering of a location, but not where what was
	// rendered before is used.
	Rendered(source string, took time.Duration, err error)
	// Forget is told that there is no such source any more.
	Forget(source string)
}

type unmetered struct{}

func (unmetered) Fetched(string, time.Duration, error)  {}
func (unmetered) Rendered(string, time.Duration, error) {}
func (unmetered) Forget(string)                         {}
