package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// soakNamespaces are where people and the agent write at once.
var soakNamespaces = []string{"soak-a", "soak-b", "soak-c", "soak-d"}

// soak is what a webhook goes through.
type soak struct {
	warm   time.Duration // before anything is measured
	length time.Duration
	every  time.Duration // from one commit to the next
	sample time.Duration // from one look at the process to the next
}

// soaked is how a soak went.
type soaked struct {
	writes, commits int64
	failed          []error
	rss, goroutines samples // of the process, in order of time
	before, after   float64 // goroutines when nobody writes, after it got warm and at the end
}

// measureSoak has gitonly work for long, and looks whether it grows.
func measureSoak(ctx context.Context, s settings, results *table) error {
	dir, err := os.MkdirTemp("", "gitonly-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := startCluster(ctx, dir, os.Stderr, soakNamespaces, nil)
	if err != nil {
		return err
	}
	defer c.stop()
	went, err := c.soak(ctx, soak{warm: 10 * time.Second, length: s.soak, every: 10 * time.Second, sample: time.Second})
	if err != nil {
		return err
	}
	for _, err := range went.failed[:min(len(went.failed), 5)] {
		fmt.Fprintln(os.Stderr, err)
	}
	name := fmt.Sprintf("soak of %s: ", s.soak)
	quarter := len(went.rss) / 4
	grown := func(all samples) samples { return samples{all[3*quarter:].median() / all[:quarter].median()} }
	results.add(name+"writes", "", samples{float64(went.writes)}, nil)
	results.add(name+"commits", "", samples{float64(went.commits)}, nil)
	results.add(name+"writes that failed", "", samples{float64(len(went.failed))}, atMost(0))
	results.add(name+"RSS", "MB", went.rss, nil)
	results.add(name+"RSS, last quarter / first", "ratio", grown(went.rss), atMost(1.1))
	results.add(name+"goroutines, last quarter / first", "ratio", grown(went.goroutines), atMost(1.1))
	results.add(name+"goroutines that are left", "", samples{went.after - went.before}, atMost(float64(len(soakNamespaces))))
	return nil
}

// soak registers the webhook and has everybody write, while Git changes.
func (c *cluster) soak(ctx context.Context, s soak) (went soaked, err error) {
	for _, namespace := range soakNamespaces {
		of := &metav1.LabelSelector{MatchLabels: map[string]string{"asks": namespace}}
		if err := c.webhook.Register(ctx, stage.Registration{Name: "-" + namespace, Namespaces: of}, namespace); err != nil {
			return went, err
		}
	}
	for _, namespace := range soakNamespaces { // until each registration is known
		for ctx.Err() == nil {
			if _, err := scale(ctx, c.admin, namespace, 5, true); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if went, err = c.write(ctx, s.warm, s); err != nil || len(went.failed) > 0 {
		return went, err
	}
	before, err := c.quiet(ctx, 0)
	if err != nil {
		return went, err
	}
	if went, err = c.write(ctx, s.length, s); err != nil {
		return went, err
	}
	went.before = before
	went.after, err = c.quiet(ctx, before)
	return went, err
}

// write has everybody write for so long.
func (c *cluster) write(ctx context.Context, length time.Duration, s soak) (went soaked, err error) {
	var mu sync.Mutex
	var writes atomic.Int64
	var writers sync.WaitGroup
	end := time.Now().Add(length)
	for _, namespace := range soakNamespaces {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil && time.Now().Before(end); n++ {
				for _, step := range c.steps(namespace, n) {
					if err := step(ctx); err != nil {
						mu.Lock()
						went.failed = append(went.failed, fmt.Errorf("in namespace %s: %w", namespace, err))
						mu.Unlock()
					}
					writes.Add(1)
				}
			}
		})
	}
	commits, sampled := time.NewTicker(s.every), time.NewTicker(s.sample)
	defer commits.Stop()
	defer sampled.Stop()
	commit := ""
	for time.Now().Before(end) && err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-commits.C:
			went.commits++
			commit, err = c.git.Commit(gitserver.Commit{Files: map[string]string{"apps/settings.yaml": settingsFile(time.Now())}})
		case <-sampled.C:
			var now process
			if now, err = c.process(ctx); err == nil {
				went.rss, went.goroutines = append(went.rss, now.rss/1e6), append(went.goroutines, now.goroutines)
			}
		}
	}
	writers.Wait()
	went.writes = writes.Load()
	if err != nil || commit == "" {
		return went, err
	}
	return went, c.follows(ctx, commit)
}

// steps are one writer's, and what becomes of them is known: the agent may depart
// from Git, people may return to it and no more, and what isn't declared is free.
func (c *cluster) steps(namespace string, n int) []func(context.Context) error {
	scaled := func(patch int) func(context.Context) error {
		return func(ctx context.Context) error {
			client := c.admin
			if patches[patch].agent {
				client = c.agent
			}
			_, err := scale(ctx, client, namespace, patches[patch].replicas, patches[patch].refused[asksGitonly])
			return err
		}
	}
	mine := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("mine-%d", n)}, Data: map[string]string{"a": "b"}}
	return []func(context.Context) error{
		scaled(0), scaled(1), scaled(2),
		func(ctx context.Context) error {
			_, err := c.admin.CoreV1().ConfigMaps(namespace).Create(ctx, mine, metav1.CreateOptions{})
			return err
		},
		func(ctx context.Context) error {
			return c.admin.CoreV1().ConfigMaps(namespace).Delete(ctx, mine.Name, metav1.DeleteOptions{})
		},
	}
}

// settingsFile is a hundred objects that Git declares, other ones each time.
func settingsFile(at time.Time) string {
	text := ""
	for i := range 100 {
		text += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-%d, namespace: %s}\ndata: {at: %q}\n", i, soakNamespaces[0], at.Format(time.RFC3339Nano))
	}
	return text
}

// process is what a webhook says of itself.
type process struct{ rss, goroutines float64 }

var gauges = regexp.MustCompile(`(?m)^(process_resident_memory_bytes|go_goroutines) (\S+)$`)

func (c *cluster) process(ctx context.Context) (p process, err error) {
	metrics, err := c.webhook.Metrics(ctx)
	if err != nil {
		return p, err
	}
	for _, found := range gauges.FindAllStringSubmatch(metrics, -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return p, fmt.Errorf("reading the webhook's %s: %w", found[1], err)
		}
		if found[1] == "go_goroutines" {
			p.goroutines = value
		} else {
			p.rss = value
		}
	}
	return p, nil
}

// quiet is how many goroutines the webhook has when nobody asks it: the fewest of
// some seconds, or as soon as there are no more than so many.
func (c *cluster) quiet(ctx context.Context, enough float64) (fewest float64, err error) {
	for range 40 {
		now, err := c.process(ctx)
		if err != nil {
			return 0, err
		}
		if fewest == 0 || now.goroutines < fewest {
			fewest = now.goroutines
		}
		if fewest <= enough {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fewest, nil
}

var published = regexp.MustCompile(`(?m)^gitonly_source_revision_info\{revision="main@([0-9a-f]+)"`)

// follows waits until the webhook has a commit.
func (c *cluster) follows(ctx context.Context, commit string) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		metrics, err := c.webhook.Metrics(ctx)
		if err != nil {
			return err
		}
		if found := published.FindStringSubmatch(metrics); found != nil && strings.HasPrefix(commit, found[1]) {
			return nil
		}
	}
	return fmt.Errorf("half a minute after commit %s the webhook doesn't have it", commit)
}
