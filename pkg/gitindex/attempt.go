package gitindex

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// grace is how long a step may go on after its context ended, before it is
// left behind.
const grace = 5 * time.Second

// attempt runs a step of a look within Options.Timeout. A panic in it is an
// error. A step that ignores its context is left behind, and its result lost;
// the watch's running says that it goes on. The result of a step that fails
// because its context ended is the zero value: it says nothing.
func attempt[T any](ctx context.Context, r *Refresher, w *watch, step func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := r.clock.AfterFunc(r.options.Timeout, func() {
		cancel(fmt.Errorf("gave up after %s: %w", r.options.Timeout, context.DeadlineExceeded))
	})
	defer timeout.Stop()

	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	w.running.Add(1)
	go func() {
		var res result
		res.value, res.err = protected(ctx, step)
		w.running.Add(-1)
		done <- res
	}()

	var res result
	select {
	case res = <-done:
	case <-ctx.Done():
		patience := r.clock.NewTimer(grace)
		defer patience.Stop()
		select {
		case res = <-done:
		case <-patience.C():
			return res.value, context.Cause(ctx)
		}
	}
	if res.err != nil && ctx.Err() != nil {
		var none T
		return none, fmt.Errorf("%w (%w)", context.Cause(ctx), res.err)
	}
	return res.value, res.err
}

// protected calls step, and makes a panic in it an error.
func protected[T any](ctx context.Context, step func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return step(ctx)
}

// panicError is a panic that was caught.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
