package render_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// TestMain lets the test's own program be the child that renders charts.
func TestMain(m *testing.M) {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

var options = render.Options{Child: render.OwnChild()}

// renderer is that of all tests which ask for nothing special: it has few
// children for all of them.
var renderer = render.New(options)

// tree is the files of an archive written out in a test.
func tree(archive string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, file := range txtar.Parse([]byte(archive)).Files {
		files[file.Name] = &fstest.MapFile{Data: file.Data, Mode: 0o644}
	}
	return files
}

func renderTree(files fstest.MapFS, at gitindex.Location) ([]gitindex.Declared, error) {
	declared, _, err := renderer.Render(context.Background(), files, at)
	return declared, err
}

// mustFail renders and returns the whole error message.
func mustFail(t *testing.T, files fstest.MapFS, at gitindex.Location) string {
	t.Helper()
	declared, err := renderTree(files, at)
	if err == nil {
		t.Fatalf("no error, but %d objects", len(declared))
	}
	if len(declared) > 0 {
		t.Errorf("%d objects beside the error", len(declared))
	}
	return err.Error()
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1
`

func place(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

func write(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, name, target string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
}
