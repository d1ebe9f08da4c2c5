package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// measureIndex holds indexes of three sizes, each in a process of its own, and
// starts again from what that left on disk.
func measureIndex(ctx context.Context, _ settings, results *table) error {
	for _, size := range []struct {
		objects int
		restart *target
	}{{1_000, nil}, {10_000, atMost(1)}, {100_000, nil}} {
		dir, err := os.MkdirTemp("", "gitonly-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		name := fmt.Sprintf("index of %d objects of 2 KB: ", size.objects)
		first, err := holder(ctx, dir, size.objects, true)
		if err != nil {
			return err
		}
		results.add(name+"from rendered to published", "s", samples{first.Published}, nil)
		results.add(name+"heap", "MB", samples{first.Heap / 1e6}, nil)
		results.add(name+"heap an object", "bytes", samples{first.Heap / float64(size.objects)}, nil)
		again, err := holder(ctx, dir, size.objects, false)
		if err != nil {
			return err
		}
		results.add(name+"from the start to published, from disk", "s", samples{again.Published}, size.restart)
	}
	return nil
}

// held is what an index took.
type held struct {
	Published float64 // seconds
	Heap      float64 // bytes, without that of an empty process
}

func holder(ctx context.Context, dir string, objects int, reachable bool) (h held, err error) {
	program, err := os.Executable()
	if err != nil {
		return h, err
	}
	command := exec.CommandContext(ctx, program, "part", "index", dir, strconv.Itoa(objects), strconv.FormatBool(reachable))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return h, fmt.Errorf("holding %d objects: %w", objects, err)
	}
	return h, json.Unmarshal(out, &h)
}

// holdIndex publishes so many objects of a Git server that is reachable or not,
// with a disk cache in a folder, and prints what that took.
func holdIndex(ctx context.Context, dir, objects string, reachable bool) error {
	count, err := strconv.Atoi(objects)
	if err != nil {
		return err
	}
	types, err := builtin.Types()
	if err != nil {
		return err
	}
	source := infra()
	empty := heap()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	var index gitindex.Index
	published := make(chan time.Duration, 1)
	refresher := gitindex.NewRefresher(&index, remote{reachable}, &rendered{count: count, done: &began}, gitindex.NewDiskCache(dir), logr.Discard(), gitindex.Options{
		OnChange: func(*gitindex.Snapshot) {
			if index.Current().Len() == count {
				select {
				case published <- time.Since(began):
				default:
				}
			}
		},
	})
	refresher.SetSources([]gitindex.Source{source})
	go func() { _ = refresher.Run(ctx) }()
	h := held{Published: (<-published).Seconds()}
	if err := saved(ctx, dir); err != nil {
		return err
	}
	h.Heap = heap() - empty
	runtime.KeepAlive(types)
	return json.NewEncoder(os.Stdout).Encode(h)
}

func infra() gitindex.Source { return workload.Named(nil, 0, 0).Source }

// saved waits for the cache's file.
func saved(ctx context.Context, dir string) error {
	for ctx.Err() == nil {
		found, err := filepath.Glob(filepath.Join(dir, "*.index.gz"))
		if err != nil || len(found) > 0 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// remote is a Git server with one commit and nothing in it, or one that can't be
// reached.
type remote struct{ reachable bool }

func (r remote) Resolve(context.Context, string, gitindex.Repository) (gitindex.Revision, error) {
	if !r.reachable {
		return gitindex.Revision{}, errors.New("unreachable")
	}
	return gitindex.Revision{Name: "main", Commit: "4f2c1ab93d0e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"}, nil
}

func (remote) Verify(context.Context, string, gitindex.Repository, gitindex.Revision) error {
	return nil
}

func (remote) Tree(context.Context, string, gitindex.Repository, gitindex.Revision) (fs.FS, error) {
	return fstest.MapFS{}, nil
}

// rendered makes objects of nothing, and notes when it has.
type rendered struct {
	count int
	done  *time.Time
}

func (r *rendered) Render(context.Context, fs.FS, gitindex.Location) ([]gitindex.Declared, gitindex.Inputs, error) {
	objects := workload.Named(nil, r.count, 2048).Locations[0].Objects
	*r.done = time.Now()
	return objects, gitindex.Inputs{"apps": "made up"}, nil
}
