package controlplane

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// These tests build with a go command that is a shell script, in no time.

func TestBuildOnce(t *testing.T) {
	// It notes its arguments and environment, and writes an executable where -o says.
	b, dir := fakeBuilder(t, `
echo "$@" >>CALLS
echo "$GOFLAGS $CGO_ENABLED $GOWORK" >>CALLS
test -s go.mod && test -s go.sum || exit 1
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' >"$2" && chmod +x "$2"`)
	r, tool := pinned(t, "1.37.2"), tools()[3]
	cached, err := b.dir(r)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(cached, "build", "leftover"), "of a build that was killed", 0o644)

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			path, err := b.build(t.Context(), r, tool)
			if err != nil || path != filepath.Join(cached, "kubectl") || !executable(path) {
				t.Errorf("built %q (error: %v), want an executable in %s", path, err, cached)
			}
		})
	}
	all.Wait()

	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	want := "build -buildvcs=false -tags  -ldflags " + r.linkerFlags() + " -o kubectl k8s.io/kubernetes/cmd/kubectl\n" +
		"-mod=readonly 0 off\n"
	if string(calls) != want {
		t.Errorf("the go command was called with\n%s\nwant, once,\n%s", calls, want)
	}
	entries, err := os.ReadDir(cached)
	if err != nil || len(entries) != 2 {
		t.Errorf("the cache has %v (error: %v), want only kubectl and the lock", entries, err)
	}
}

func TestBuildTellsProgress(t *testing.T) {
	b, _ := fakeBuilder(t, `while [ "$1" != -o ]; do shift; done; echo >"$2" && chmod +x "$2"`)
	var progress bytes.Buffer
	b.progress = &progress
	for range 2 { // the second time there is nothing to do, nor to say
		for _, tool := range tools() {
			if _, err := b.build(t.Context(), pinned(t, "1.29.6"), tool); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := `building etcd v3.5.10 (about 15 seconds on two cores, once) …
… done in 0s
building kube-apiserver v1.29.6 (about 5 minutes on two cores, once) …
… done in 0s
building kube-controller-manager v1.30.4 (about 2 minutes on two cores, once) …
… done in 0s
building kubectl v1.29.6 (about 30 seconds on two cores, once) …
… done in 0s
`
	got := regexp.MustCompile(`done in \d+s`).ReplaceAllString(progress.String(), "done in 0s")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBuildErrors(t *testing.T) {
	r, tool := pinned(t, "1.37.2"), tools()[3]

	t.Run("the compiler's", func(t *testing.T) {
		b, _ := fakeBuilder(t, `seq 30; echo 'verifying module: checksum mismatch' >&2; exit 1`)
		_, err := b.build(t.Context(), r, tool)
		lines := strings.Split(message(err), "\n")
		if want := "build kubectl v1.37.2: go build k8s.io/kubernetes/cmd/kubectl: exit status 1:"; lines[0] != want {
			t.Errorf("error begins with %q, want %q", lines[0], want)
		}
		if want := "verifying module: checksum mismatch"; lines[len(lines)-1] != want {
			t.Errorf("error ends with %q, want %q", lines[len(lines)-1], want)
		}
		if len(lines) != 21 {
			t.Errorf("error has %d lines, want 21", len(lines))
		}
	})
	t.Run("no go command", func(t *testing.T) {
		b := builder{cache: t.TempDir(), goCommand: "no-such-go", progress: io.Discard}
		_, err := b.build(t.Context(), r, tool)
		want := `build kubectl v1.37.2: exec: "no-such-go": executable file not found in $PATH: install Go, or set KUBEBUILDER_ASSETS to a directory that has the binaries`
		if message(err) != want {
			t.Errorf("error is %q, want %q", message(err), want)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		b, dir := fakeBuilder(t, `mkfifo FIFO; echo >STARTED; read -r line <FIFO`)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			defer cancel(errors.New("enough"))
			_ = waitFor(t.Context(), func(context.Context) (bool, error) {
				_, err := os.Stat(filepath.Join(dir, "started"))
				return err == nil, err
			})
		}()
		_, err := b.build(ctx, r, tool)
		want := "build kubectl v1.37.2: stopped before it was done: enough; the next attempt goes on from there"
		if message(err) != want {
			t.Errorf("error is %q, want %q", message(err), want)
		}
	})
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("there was nobody to wait for") })
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = lock(ctx, path, func() { cancel(errors.New("enough")) })
	if want := "wait for the lock " + path + ": enough"; message(err) != want {
		t.Errorf("error is %q, want %q", message(err), want)
	}

	second, err := lock(t.Context(), path, unlock)
	if err != nil {
		t.Fatal(err)
	}
	second()
}

// fakeBuilder returns a builder whose go command is a shell script, and a directory for it: CALLS,
// STARTED and FIFO in the script are files there.
func fakeBuilder(t *testing.T, script string) (b builder, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"CALLS", "STARTED", "FIFO"} {
		script = strings.ReplaceAll(script, name, quote(filepath.Join(dir, strings.ToLower(name))))
	}
	path := filepath.Join(dir, "go")
	writeFile(t, path, "#!/bin/sh\n"+script+"\n", 0o755)
	return builder{cache: t.TempDir(), goCommand: path, progress: io.Discard}, dir
}

func pinned(t *testing.T, version string) release {
	t.Helper()
	r, err := findRelease(version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
