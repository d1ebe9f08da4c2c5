package sweep

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// sideBySide does n things, some at a time, until one goes wrong, and returns
// the first error.
func sideBySide(n int, do func(i int) error) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	var first atomic.Pointer[error]
	for range 4 * runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && first.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wait.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}
