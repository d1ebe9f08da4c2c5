package main

import (
	"errors"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestTheStartGoesOnUntilEachSourceWasLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		source gitindex.SourceState
		want   bool
	}{
		"while the first look goes on":   {gitindex.SourceState{}, true},
		"not when a revision was loaded": {gitindex.SourceState{Revision: gitindex.Revision{Commit: "4f2c1ab"}}, false},
		"not when the look went wrong":   {gitindex.SourceState{Err: errors.New("unreachable")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := untried(c.source); got != c.want {
				t.Errorf("untried: %v, want %v", got, c.want)
			}
		})
	}
}
