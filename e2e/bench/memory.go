package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gitonly.dev/gitonly/e2e/bench/workload"
)

// measureMemory starts gitonly with declared objects of two numbers, and starts
// it again from what it kept on disk, with Git out of reach.
func measureMemory(ctx context.Context, _ settings, results *table) error {
	for _, size := range []struct {
		objects int
		idle    *target
	}{{1_000, atMost(60)}, {100_000, atMost(200)}} {
		name := fmt.Sprintf("webhook, %d declared objects of 2 KB: ", size.objects)
		if err := measureIdle(ctx, name, size.objects, size.idle, results); err != nil {
			return err
		}
	}
	return nil
}

func measureIdle(ctx context.Context, name string, objects int, wanted *target, results *table) error {
	dir, err := os.MkdirTemp("", "gitonly-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := startCluster(ctx, dir, os.Stderr, []string{asksGitonly}, ballast(objects))
	if err != nil {
		return err
	}
	defer c.stop()
	idle, err := c.idle(ctx)
	if err != nil {
		return err
	}
	results.add(name+"RSS idle", "MB", idle, wanted)
	c.webhook.Stop()
	if err := c.gitServer.Close(); err != nil {
		return err
	}
	if err := c.webhook.Start(); err != nil {
		return err
	}
	if err := c.webhook.WaitReady(ctx); err != nil {
		return err
	}
	if idle, err = c.idle(ctx); err != nil {
		return err
	}
	results.add(name+"RSS idle, from disk while Git is away", "MB", idle, nil)
	return nil
}

// idle is the webhook's memory in MB after it has loaded the source, when that has been the same for ten
// seconds, but for a hundredth, and for a minute nobody has asked it
// anything: it saves what it rendered, and gives back what the start took.
func (c *cluster) idle(ctx context.Context) (all samples, err error) {
	if err := c.loaded(ctx); err != nil {
		return nil, err
	}
	time.Sleep(time.Minute)
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		now, err := c.process(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, now.rss/1e6)
		if last := all[max(0, len(all)-10):]; len(last) == 10 && slices.Max(last) < 1.01*slices.Min(last) {
			return last, nil
		}
	}
	return nil, fmt.Errorf("after five minutes the webhook's memory isn't steady: %.0f MB", all[max(0, len(all)-10):])
}

// loaded waits until the webhook has the source at a commit.
func (c *cluster) loaded(ctx context.Context) error {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Second) {
		metrics, err := c.webhook.Metrics(ctx)
		if err != nil {
			return err
		}
		if published.MatchString(metrics) {
			return nil
		}
	}
	return errors.New("after five minutes the webhook hasn't loaded the source")
}

// ballast is so many ConfigMaps, in folders that one location can be.
func ballast(objects int) map[string]string {
	const inFolder, inFile = 4000, 100
	files := map[string]string{}
	declared := workload.Named(nil, objects, 2048).Locations[0].Objects
	for first := 0; first < objects; first += inFile {
		var text strings.Builder
		for _, object := range declared[first:min(first+inFile, objects)] {
			fmt.Fprintf(&text, "---\n%s\n", object.Manifest.JSON())
		}
		files[fmt.Sprintf("ballast-%d/%d.yaml", first/inFolder, first)] = text.String()
	}
	return files
}
