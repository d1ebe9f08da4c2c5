package main

import (
	"context"
	"testing"
	"time"
)

// TestNoWriteFailsWhileGitChanges is the soak of make bench, made short.
func TestNoWriteFailsWhileGitChanges(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := startCluster(ctx, t.TempDir(), t.Output(), soakNamespaces, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	went, err := c.soak(ctx, soak{warm: 3 * time.Second, length: 15 * time.Second, every: 2 * time.Second, sample: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range went.failed[:min(len(went.failed), 5)] {
		t.Error(err)
	}
	if went.after > went.before+float64(len(soakNamespaces)) { // a connection for each may be there by chance
		t.Errorf("there were %.0f goroutines, and are %.0f", went.before, went.after)
	}
	t.Logf("%d of %d writes failed during %d commits; %.0f goroutines before, %.0f after", len(went.failed), went.writes, went.commits, went.before, went.after)
}
