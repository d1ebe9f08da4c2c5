package gitindex_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// meter keeps what it is told.
type meter struct {
	mu   sync.Mutex
	told []string
}

func (m *meter) Fetched(source string, took time.Duration, err error) {
	m.tell("%s fetched in %s: %v", source, took, err)
}

func (m *meter) Rendered(source string, took time.Duration, err error) {
	m.tell("%s rendered in %s: %v", source, took, err)
}

func (m *meter) Forget(source string) { m.tell("%s forgotten", source) }

func (m *meter) tell(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, fmt.Sprintf(format, args...))
}

func TestLooksAreMetered(t *testing.T) {
	scenario(t, "each look is told, renderings that took place, and what is gone", func(w *world) {
		m := &meter{}
		w.options.Meter, w.options.MinBackoff = m, time.Minute
		tells := func(want ...string) {
			w.t.Helper()
			if diff := cmp.Diff(want, m.told); diff != "" {
				w.t.Errorf("told (-want +got):\n%s", diff)
			}
			m.told = nil
		}
		w.git.push("infra", "c1", files{"apps/web.txt": "Deployment web"})
		w.run(source("infra", "apps"))
		tells("infra fetched in 0s: <nil>", "infra rendered in 0s: <nil>")

		w.git.push("infra", "c2", files{"apps/web.txt": "Deployment web", "README": "not rendered"})
		w.pass(time.Minute)
		tells("infra fetched in 0s: <nil>")

		w.git.push("infra", "c3", files{"apps/web.txt": "broken"})
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		tells("infra fetched in 0s: <nil>", "infra rendered in 0s: apps/web.txt:1: bad indentation")

		w.git.fails("infra", errDown)
		w.refresher.Refresh("infra")
		w.pass(5 * time.Second)
		tells("infra fetched in 0s: asking for main: connection refused")

		w.git.hangs("infra", true)
		w.pass(5 * time.Minute)
		m.told = nil
		w.set()
		tells("infra forgotten")
	})
}
