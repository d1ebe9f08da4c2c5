package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
)

func TestWhoIsToldToStopServesOnAndSaysSo(t *testing.T) {
	var d drain
	served := httptest.NewServer(d.closing(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })))
	defer served.Close()
	ask := func(closes bool) {
		t.Helper()
		response, err := http.Get(served.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusTeapot || response.Close != closes {
			t.Errorf("%s, closed: %t", response.Status, response.Close)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	late := d.after(ctx, 0, logr.Discard())
	ask(false)
	if err := d.check(nil); err != nil {
		t.Error(err)
	}

	stop()
	<-late.Done()
	ask(true)
	if err := d.check(nil); err == nil || err.Error() != "it was told to stop" {
		t.Errorf("it says %v", err)
	}
}

func TestAPartEndsWhenItIsToldTo(t *testing.T) {
	waits := everywhere(func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	for name, ends := range map[string]func() (manager, told context.Context){
		"as the replica is told to stop, while the manager goes on": func() (manager, told context.Context) {
			told, stop := context.WithCancel(t.Context())
			stop()
			return t.Context(), told
		},
		"as the manager stops": func() (manager, told context.Context) {
			manager, stop := context.WithCancel(t.Context())
			stop()
			return manager, t.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			manager, told := ends()
			if err := until(told, waits)(manager); err != nil {
				t.Error(err)
			}
		})
	}
}
