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
