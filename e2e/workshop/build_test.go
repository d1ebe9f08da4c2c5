package workshop

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// These tests build with a go command that is a shell script, in no time: this program of this module.
var (
	printing = Module{
		Name: "printing", Mod: []byte("module m\n\nrequire example.com/print v1.2.3\n"), Sum: []byte("sums\n"),
		Tags: "small", LinkerFlags: "-s -w",
	}
	printer = Program{Name: "printer", Module: "example.com/print", Package: "example.com/print/cmd/printer", Takes: "5 minutes"}
)

func TestBuildOnce(t *testing.T) {
	// It notes its arguments and environment, and writes an executable where -o says.
	w, dir := fakeWorkshop(t, `
echo "$@" >>CALLS
echo "$GOFLAGS $CGO_ENABLED $GOWORK" >>CALLS
test -s go.mod && test -s go.sum || exit 1
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' >"$2" && chmod +x "$2"`)
	cached, err := w.Dir(printing)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(cached, "build", "leftover"), "of a build that was killed", 0o644)

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			path, err := w.Build(t.Context(), printing, printer)
			if err != nil || path != filepath.Join(cached, "printer") || !executable(path) {
				t.Errorf("built %q (error: %v), want an executable in %s", path, err, cached)
			}
		})
	}
	all.Wait()

	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	want := "build -buildvcs=false -tags small -ldflags -s -w -o printer example.com/print/cmd/printer\n" +
		"-mod=readonly 0 off\n"
	if string(calls) != want {
		t.Errorf("the go command was called with\n%s\nwant, once,\n%s", calls, want)
	}
	entries, err := os.ReadDir(cached)
	if err != nil || len(entries) != 2 {
		t.Errorf("the cache has %v (error: %v), want only printer and the lock", entries, err)
	}
}

func TestBuildOfAModulesOwnFiles(t *testing.T) {
	w, _ := fakeWorkshop(t, `test "$(cat cmd/own/main.go)" = 'package main' || exit 1
while [ "$1" != -o ]; do shift; done; echo >"$2" && chmod +x "$2"`)
	own := printing
	own.Sources = map[string][]byte{"cmd/own/main.go": []byte("package main")}
	path, err := w.Build(t.Context(), own, printer)
	if err != nil {
		t.Fatal(err)
	}
	own.Sources = map[string][]byte{"cmd/own/main.go": []byte("package other")}
	if dir, err := w.Dir(own); err != nil || dir == filepath.Dir(path) {
		t.Errorf("other files are built into %s (error: %v), too", dir, err)
	}
}

func TestBuildTellsProgress(t *testing.T) {
	w, _ := fakeWorkshop(t, `while [ "$1" != -o ]; do shift; done; echo >"$2" && chmod +x "$2"`)
	var progress bytes.Buffer
	w.Progress = &progress
	for range 2 { // the second time there is nothing to do, nor to say
		if _, err := w.Build(t.Context(), printing, printer); err != nil {
			t.Fatal(err)
		}
	}
	want := "building printer v1.2.3 (about 5 minutes on two cores, once) …\n… done in 0s\n"
	got := regexp.MustCompile(`done in \d+s`).ReplaceAllString(progress.String(), "done in 0s")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBuildErrors(t *testing.T) {
	t.Run("the compiler's", func(t *testing.T) {
		w, _ := fakeWorkshop(t, `seq 30; echo 'verifying module: checksum mismatch' >&2; exit 1`)
		_, err := w.Build(t.Context(), printing, printer)
		lines := strings.Split(message(err), "\n")
		if want := "build printer v1.2.3: go build example.com/print/cmd/printer: exit status 1:"; lines[0] != want {
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
		w := Workshop{Cache: t.TempDir(), Go: "no-such-go"}
		_, err := w.Build(t.Context(), printing, printer)
		want := `build printer v1.2.3: exec: "no-such-go": executable file not found in $PATH: install Go`
		if message(err) != want {
			t.Errorf("error is %q, want %q", message(err), want)
		}
	})
	t.Run("a module that isn't pinned", func(t *testing.T) {
		_, err := Workshop{Cache: t.TempDir()}.Build(t.Context(), printing, Program{Name: "drawer", Module: "example.com/draw"})
		want := "read the modules pinned for printing: example.com/draw is not among them"
		if message(err) != want {
			t.Errorf("error is %q, want %q", message(err), want)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		w, dir := fakeWorkshop(t, `mkfifo FIFO; echo >STARTED; read -r line <FIFO`)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			defer cancel(errors.New("enough"))
			_ = wait.PollUntilContextCancel(t.Context(), 10*time.Millisecond, true, func(context.Context) (bool, error) {
				_, err := os.Stat(filepath.Join(dir, "started"))
				return err == nil, nil
			})
		}()
		_, err := w.Build(ctx, printing, printer)
		want := "build printer v1.2.3: stopped before it was done: enough; the next attempt goes on from there"
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

// fakeWorkshop returns a workshop whose go command is a shell script, and a directory for it: CALLS,
// STARTED and FIFO in the script are files there.
func fakeWorkshop(t *testing.T, script string) (w Workshop, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"CALLS", "STARTED", "FIFO"} {
		script = strings.ReplaceAll(script, name, "'"+filepath.Join(dir, strings.ToLower(name))+"'")
	}
	path := filepath.Join(dir, "go")
	writeFile(t, path, "#!/bin/sh\n"+script+"\n", 0o755)
	return Workshop{Cache: t.TempDir(), Go: path}, dir
}

func writeFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// message is an error's text; empty for nil.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
