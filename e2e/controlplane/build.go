package controlplane

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// builder compiles tools into a cache.
type builder struct {
	cache     string // empty: gitonly's folder in the user's cache directory
	goCommand string
	progress  io.Writer
}

// build returns the path of a tool, which it compiles unless the cache has it.
func (b builder) build(ctx context.Context, r release, t tool) (string, error) {
	if t.name == controllerManagerName && r.controllerManager != "" {
		other, err := findRelease(r.controllerManager)
		if err != nil {
			return "", err
		}
		r = other
	}
	toolVersion, err := r.required(t.module)
	if err != nil {
		return "", err
	}
	dir, err := b.dir(r)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, t.name)
	if executable(path) {
		return path, nil
	}

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache for %s: %w; GITONLY_CACHE can name another place", t.name, err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"), func() {
		fmt.Fprintf(b.progress, "waiting for another process, which is building into %s …\n", dir)
	})
	if err != nil {
		return "", fmt.Errorf("build %s %s: %w", t.name, toolVersion, err)
	}
	defer unlock()
	if executable(path) { // built by another process meanwhile
		return path, nil
	}

	fmt.Fprintf(b.progress, "building %s %s (about %s on two cores, once) …\n", t.name, toolVersion, t.takes)
	began := time.Now()
	if err := b.compile(ctx, r, t, dir); err != nil {
		return "", fmt.Errorf("build %s %s: %w", t.name, toolVersion, err)
	}
	fmt.Fprintf(b.progress, "… done in %s\n", time.Since(began).Round(time.Second))
	return path, nil
}

// dir is the cache's folder for a release. Its name changes with all that the binaries depend on.
func (b builder) dir(r release) (string, error) {
	cache := b.cache
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache for Kubernetes %s: %w; GITONLY_CACHE can name one", r.version, err)
		}
		cache = filepath.Join(user, "gitonly")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", fmt.Errorf("find the cache for Kubernetes %s: %w", r.version, err)
	}
	recipe := sha256.New()
	for _, part := range [][]byte{r.mod, r.sum, []byte(r.tags), []byte(r.linkerFlags())} {
		fmt.Fprintf(recipe, "%d %s", len(part), part)
	}
	name := fmt.Sprintf("%s-%s-%s-%s-%x", r.version, runtime.GOOS, runtime.GOARCH, version.Lang(runtime.Version()), recipe.Sum(nil)[:4])
	return filepath.Join(cache, "controlplane", name), nil
}

// compile builds a tool and then moves it into dir, where it is either absent or complete. The
// caller holds the lock of dir.
func (b builder) compile(ctx context.Context, r release, t tool, dir string) (err error) {
	work := filepath.Join(dir, "build")
	if err := os.RemoveAll(work); err != nil { // of a process that was killed
		return err
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), r.mod, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "go.sum"), r.sum, 0o644); err != nil {
		return err
	}

	cmd := exec.CommandContext(ctx, b.goCommand, "build", "-buildvcs=false",
		"-tags", r.tags, "-ldflags", r.linkerFlags(), "-o", t.name, t.pkg)
	cmd.Dir = work
	// What the caller builds for, and how, must not leak into binaries that this machine runs.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// An interrupted go command ends its compilers, a killed one leaves them running.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped before it was done: %w; the next attempt goes on from there", context.Cause(ctx))
		}
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%w: install Go, or set KUBEBUILDER_ASSETS to a directory that has the binaries", err)
		}
		return fmt.Errorf("go build %s: %w:\n%s", t.pkg, err, tail(output.String(), 20))
	}
	return os.Rename(filepath.Join(work, t.name), filepath.Join(dir, t.name))
}
