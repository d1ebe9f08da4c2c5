package child_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/child"
)

// TestMain lets the test's own program be the child.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		if err := child.Serve(os.Stdin, os.Stdout, handle); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func handle(tree fs.FS, request string) []string {
	look, name, _ := strings.Cut(request, " ")
	switch look {
	case "environment":
		folder, _ := os.Getwd()
		return append(os.Environ(), folder)
	case "read":
		data, err := fs.ReadFile(tree, name)
		return []string{string(data), fmt.Sprint(err)}
	case "list":
		entries, err := fs.ReadDir(tree, name)
		return []string{fmt.Sprint(entries), fmt.Sprint(err)}
	case "type":
		info, err := fs.Stat(tree, name)
		if err != nil {
			return []string{"", fmt.Sprint(err)}
		}
		return []string{info.Name() + " " + info.Mode().String(), fmt.Sprint(err)}
	case "panic":
		panic("secret")
	case "work":
		return []string{work(name)}
	}
	return nil
}

func start(t *testing.T, limits child.Limits) *child.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process, err := child.Start([]string{self, "serve"}, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.End)
	return process
}

func call(t *testing.T, request string) ([]string, error) {
	t.Helper()
	tree := fstest.MapFS{"a/b.yaml": {Data: []byte("text")}, "a/c/d": {}}
	process := start(t, child.Limits{CPU: 5 * time.Second, Memory: 512 << 20, Reply: 1 << 20})
	var reply []string
	err := process.Call(context.Background(), tree, ".", request, &reply)
	return reply, err
}

func TestAChildSeesTheTreeOfItsParentAndNothingElse(t *testing.T) {
	t.Setenv("SECRET", "value")
	for request, want := range map[string]string{
		"read a/b.yaml": "text|<nil>",
		"read a/x":      "|read a/x: file does not exist",
		"read a":        "|read a: invalid argument",
		"read ../x":     "|read ../x: file does not exist",
		"list a":        "[- b.yaml d c/]|<nil>",
		"list x":        "[]|list x: file does not exist",
		"type a":        "a d---------|<nil>",
		"type a/b.yaml": "b.yaml ----------|<nil>",
		"type x":        "|type x: file does not exist",
		"environment":   "GOTRACEBACK=none|GOMAXPROCS=1|TZ=UTC|/",
	} {
		t.Run(request, func(t *testing.T) {
			reply, err := call(t, request)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(reply, "|"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestAPanicInAChildIsAnErrorThatDoesNotShowIt(t *testing.T) {
	_, err := call(t, "panic")
	if want := "the rendering process ended without an answer: EOF\nexit status 2"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestATreeThatPanicsEndsTheChild(t *testing.T) {
	process := start(t, child.Limits{CPU: 5 * time.Second, Memory: 512 << 20, Reply: 1 << 20})
	defer func() {
		if recover() == nil {
			t.Error("it didn't panic")
		}
		if process.Usable() {
			t.Error("it waits for an answer for ever")
		}
	}()
	var reply []string
	_ = process.Call(context.Background(), panicking{}, ".", "read a", &reply)
}

type panicking struct{}

func (panicking) Open(string) (fs.File, error) { panic("a broken tree") }
