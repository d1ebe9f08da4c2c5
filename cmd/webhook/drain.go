package main

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

// drain is how a replica leaves without a failed request: when it is told to
// stop it says that it isn't ready and goes on serving, until whoever sends
// requests has heard of it.
type drain struct{ begun atomic.Bool }

// after returns a context that ends so long after ctx.
func (d *drain) after(ctx context.Context, delay time.Duration, log logr.Logger) context.Context {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		defer end()
		d.begun.Store(true)
		log.Info("told to stop: not ready any more, and serving on for a while", "shutdownDelay", delay.String())
		time.Sleep(delay)
	})
	return late
}

// until returns a part that ends when told ends, if the manager doesn't end it
// before.
func until(told context.Context, part everywhere) everywhere {
	return func(ctx context.Context) error {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(told, end)()
		return part(ctx)
	}
}

// check is one of readiness.
func (d *drain) check(*http.Request) error {
	if d.begun.Load() {
		return errors.New("it was told to stop")
	}
	return nil
}

// closing has clients open another connection for their next request, elsewhere,
// once the replica leaves.
func (d *drain) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.begun.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
