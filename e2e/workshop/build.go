package workshop

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Workshop builds into a cache. The zero value builds in silence, into the user's.
type Workshop struct {
	// Cache is the folder to build into. Empty means the one that GITONLY_CACHE names, or else
	// gitonly's in the user's cache directory.
	Cache string
	// Go is the go command; empty means the one in PATH.
	Go string
	// Progress is told what is built and how long it should take, and then how long it took;
	// nothing is written there when nothing is built. Nil discards that.
	Progress io.Writer
}

// Build returns the path of a program, which it builds unless the cache has it.
//
// Several processes may call Build at once: one builds, the others wait. When ctx ends, so does the
// build; what it had compiled stays in Go's own build cache, so the next attempt goes on from there.
// The error is an exec.ErrNotFound where there is no go command.
func (w Workshop) Build(ctx context.Context, m Module, p Program) (string, error) {
	version, err := m.Required(p.Module)
	if err != nil {
		return "", err
	}
	dir, err := w.Dir(m)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, p.Name)
	if executable(path) {
		return path, nil
	}
	unlock, err := w.lock(ctx, dir, p.Name)
	if err != nil {
		return "", fmt.Errorf("build %s %s: %w", p.Name, version, err)
	}
	defer unlock()
	if executable(path) { // built by another process meanwhile
		return path, nil
	}

	w.say("building %s %s (about %s on two cores, once) …\n", p.Name, version, p.Takes)
	began := time.Now()
	if err := w.compile(ctx, m, p, dir); err != nil {
		return "", fmt.Errorf("build %s %s: %w", p.Name, version, err)
	}
	w.say("… done in %s\n", time.Since(began).Round(time.Second))
	return path, nil
}

// lock makes a folder of the cache and takes its lock.
func (w Workshop) lock(ctx context.Context, dir, name string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache for %s: %w; GITONLY_CACHE can name another place", name, err)
	}
	return lock(ctx, filepath.Join(dir, "lock"), func() {
		w.say("waiting for another process, which is building into %s …\n", dir)
	})
}

func (w Workshop) say(format string, args ...any) {
	if w.Progress != nil {
		fmt.Fprintf(w.Progress, format, args...)
	}
}

// compile builds a program and then moves it into dir, where it is either absent or complete. The
// caller holds the lock of dir.
func (w Workshop) compile(ctx context.Context, m Module, p Program, dir string) error {
	return w.work(m, dir, func(work string) error {
		_, err := w.run(ctx, work, "build", "-buildvcs=false",
			"-tags", m.Tags, "-ldflags", m.LinkerFlags, "-o", p.Name, p.Package)
		if err != nil {
			return err
		}
		return os.Rename(filepath.Join(work, p.Name), filepath.Join(dir, p.Name))
	})
}

// work calls do with a folder that holds the module, and takes it away again.
func (w Workshop) work(m Module, dir string, do func(work string) error) (err error) {
	work := filepath.Join(dir, "build")
	if err := os.RemoveAll(work); err != nil { // of a process that was killed
		return err
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	files := map[string][]byte{"go.mod": m.Mod, "go.sum": m.Sum}
	maps.Copy(files, m.Sources)
	for name, text := range files {
		path := filepath.Join(work, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return do(work)
}

// run runs the go command in a module and returns what it prints. Its last argument is what it is about.
func (w Workshop) run(ctx context.Context, work string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, cmp.Or(w.Go, "go"), args...)
	cmd.Dir = work
	// What the caller builds for, and how, must not leak into binaries that this machine runs.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// An interrupted go command ends its compilers, a killed one leaves them running.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var printed, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &complained
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("stopped before it was done: %w; the next attempt goes on from there", context.Cause(ctx))
		}
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%w: install Go", err)
		}
		return "", fmt.Errorf("go %s %s: %w:\n%s", args[0], args[len(args)-1], err, tail(printed.String()+complained.String(), 20))
	}
	return printed.String(), nil
}

// tail returns the last lines of text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
