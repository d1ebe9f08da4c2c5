package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// overlays are files of kustomizations that each change the base's replicas and
// image, and the locations that they are at.
func overlays(count int) (fstest.MapFS, []gitindex.Location) {
	tree := fstest.MapFS{}
	write := func(name, text string) { tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	write("base/kustomization.yaml", "resources: [deployment.yaml, service.yaml]\n")
	write("base/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: 'web:1', ports: [{containerPort: 80}]}\n")
	write("base/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n")
	var locations []gitindex.Location
	for i := range count {
		at := fmt.Sprintf("overlays/team-%d", i)
		write(at+"/kustomization.yaml", fmt.Sprintf("namespace: team-%d\nresources: [../../base]\nimages: [{name: web, newTag: '%d'}]\npatches: [{path: replicas.yaml}]\n", i, i))
		write(at+"/replicas.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n")
		locations = append(locations, gitindex.Location{Path: at, Render: gitindex.Kustomize})
	}
	return tree, locations
}

// measureRendering renders 1,000 overlays in a repository that is served over
// HTTP, and then lets commits change one of them.
func measureRendering(ctx context.Context, s settings, results *table) error {
	tree, locations := overlays(1000)
	files := map[string]string{}
	for name, file := range tree {
		files[name] = string(file.Data)
	}
	dir, err := os.MkdirTemp("", "gitonly-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	repository, err := gitserver.Init(filepath.Join(dir, "served", "infra.git"))
	if err != nil {
		return err
	}
	newest, err := repository.Commit(gitserver.Commit{Files: files})
	if err != nil {
		return err
	}
	server, err := gitserver.ServeHTTP(filepath.Join(dir, "served"), gitserver.HTTPOptions{})
	if err != nil {
		return err
	}
	defer server.Close()
	nobody := func(context.Context, gitindex.Repository) (git.Credentials, error) { return git.Credentials{}, nil }
	fetcher := git.New(filepath.Join(dir, "fetched"), nobody, git.Options{})
	source := infra()
	source.Repository = gitindex.Repository{URL: server.URL + "/infra.git", Ref: gitindex.Ref{Branch: "main"}}
	source.Interval = time.Hour // nobody looks, but who is asked to
	source.Locations = locations
	if err := compareRendering(ctx, s, results, fetcher, source, files); err != nil {
		return err
	}
	return measureCommits(ctx, results, fetcher, source, repository, newest)
}

// compareRendering renders by turns with gitonly's renderer, several overlays at
// a time as the refresher does, and in a loop with Kustomize's library. Both
// have rendered some before each turn.
func compareRendering(ctx context.Context, s settings, results *table, fetcher *git.Store, source gitindex.Source, files map[string]string) error {
	revision, err := fetcher.Resolve(ctx, source.Name, source.Repository)
	if err != nil {
		return err
	}
	tree, err := fetcher.Tree(ctx, source.Name, source.Repository, revision)
	if err != nil {
		return err
	}
	renderer := render.New(render.Options{Child: render.OwnChild()})
	ours := func(locations []gitindex.Location) error {
		var all errgroup.Group
		all.SetLimit(max(2, runtime.GOMAXPROCS(0)))
		for _, at := range locations {
			all.Go(func() error {
				_, _, err := renderer.Render(ctx, tree, at)
				return err
			})
		}
		return all.Wait()
	}
	inMemory := filesys.MakeFsInMemory()
	for name, text := range files {
		if err := inMemory.WriteFile(name, []byte(text)); err != nil {
			return err
		}
	}
	theirs := func(locations []gitindex.Location) error {
		for _, at := range locations {
			built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(inMemory, at.Path)
			if err != nil {
				return err
			}
			if _, err := built.AsYaml(); err != nil {
				return err
			}
		}
		return nil
	}
	var ratio, one, other samples
	for range s.rounds {
		var took [2]float64
		for i, render := range []func([]gitindex.Location) error{ours, theirs} {
			if err := render(source.Locations[:20]); err != nil {
				return err
			}
			began := time.Now()
			if err := render(source.Locations); err != nil {
				return err
			}
			took[i] = time.Since(began).Seconds()
		}
		one, other, ratio = append(one, took[0]), append(other, took[1]), append(ratio, took[0]/took[1])
	}
	results.add("rendering 1,000 overlays", "s", one, nil)
	results.add("a loop of Kustomize's library over 1,000 overlays", "s", other, nil)
	results.add("rendering 1,000 overlays, against the loop", "ratio", ratio, atMost(0.6))
	return nil
}

// measureCommits lets a commit change one file of the overlays.
func measureCommits(ctx context.Context, results *table, fetcher *git.Store, source gitindex.Source, repository *gitserver.Repository, newest string) error {
	counted := &counted{Renderer: render.New(render.Options{Child: render.OwnChild()})}
	var index gitindex.Index
	changed := make(chan struct{}, 1)
	refresher := gitindex.NewRefresher(&index, fetcher, counted, nil, logr.Discard(), gitindex.Options{
		MinGap: time.Millisecond,
		OnChange: func(*gitindex.Snapshot) {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
	})
	refresher.SetSources([]gitindex.Source{source})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { _ = refresher.Run(ctx) }()
	at := func(commit string) error {
		for index.Current() == nil || index.Current().Source(source.Name).Revision.Commit != commit {
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
			if latest := refresher.Latest().Source(source.Name); latest != nil && latest.Err != nil {
				return latest.Err
			}
		}
		return nil
	}
	began := time.Now()
	if err := at(newest); err != nil {
		return err
	}
	results.add("1,000 overlays: from the start to published", "s", samples{time.Since(began).Seconds()}, nil)
	var took, rendered samples
	var err error
	for i := range 5 {
		before := counted.calls.Load()
		replicas := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: %d}\n", 4+i)
		if newest, err = repository.Commit(gitserver.Commit{Files: map[string]string{"overlays/team-7/replicas.yaml": replicas}}); err != nil {
			return err
		}
		began := time.Now()
		refresher.Refresh(source.Name)
		if err := at(newest); err != nil {
			return err
		}
		took = append(took, time.Since(began).Seconds()*1000)
		rendered = append(rendered, float64(counted.calls.Load()-before))
	}
	results.add("1,000 overlays: one file changes, from asking to published", "ms", took, atMost(300))
	results.add("1,000 overlays: one file changes, rendered", "overlays", rendered, atMost(1))
	return nil
}

// counted counts renderings.
type counted struct {
	gitindex.Renderer
	calls atomic.Int64
}

func (c *counted) Render(ctx context.Context, tree fs.FS, at gitindex.Location) ([]gitindex.Declared, gitindex.Inputs, error) {
	c.calls.Add(1)
	return c.Renderer.Render(ctx, tree, at)
}
