//go:build linux || darwin

package child_test

import (
	"context"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/child"
)

// work takes processor time.
func work(length string) string {
	limit, err := time.ParseDuration(length)
	if err != nil {
		return err.Error()
	}
	for begin := used(); used()-begin < limit; {
	}
	return ""
}

func used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return time.Hour
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestEachRequestHasTheWholeTime(t *testing.T) {
	process := start(t, child.Limits{CPU: time.Second, Memory: 512 << 20, Reply: 1 << 20})
	call := func(request string) error {
		var reply []string
		return process.Call(context.Background(), fstest.MapFS{}, ".", request, &reply)
	}
	if process.Served() {
		t.Error("it was asked before")
	}
	for _, request := range []string{"work 300ms", "work 300ms"} {
		if err := call(request); err != nil || !process.Usable() || !process.Served() {
			t.Fatalf("%s: error %v, usable %t, served %t", request, err, process.Usable(), process.Served())
		}
	}
	if err := call("work 900ms"); err != nil {
		t.Error(err)
	}
	if process.Usable() {
		t.Error("it has used one request's time, and can't be promised that of another")
	}
}

func TestARequestThatTakesLongerEndsTheProcess(t *testing.T) {
	process := start(t, child.Limits{CPU: time.Second, Memory: 512 << 20, Reply: 1 << 20})
	var reply []string
	if err := process.Call(context.Background(), fstest.MapFS{}, ".", "work 500ms", &reply); err != nil {
		t.Fatal(err)
	}
	err := process.Call(context.Background(), fstest.MapFS{}, ".", "work 1h", &reply)
	if want := "rendering takes more than 1s of processor time: look for a loop in it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if process.Usable() {
		t.Error("it goes on")
	}
}
