// Package load is people that write all the time, for tests in which no write may
// fail.
package load

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Load is so many who write, until it ends.
type Load struct {
	stop   context.CancelFunc
	done   sync.WaitGroup
	writes atomic.Int64
	mu     sync.Mutex
	failed []error
}

// Start has people create ConfigMaps in a namespace, as whoever access is of: each of
// them twenty a second, if they get that many through.
func Start(t *testing.T, access *rest.Config, namespace string, people int) *Load {
	t.Helper()
	access = rest.CopyConfig(access)
	access.QPS, access.Burst = float32(20*people), people
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{stop: cancel}
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "load-"}}
	for range people {
		l.done.Go(func() {
			for ctx.Err() == nil {
				if _, err := client.CoreV1().ConfigMaps(namespace).Create(context.Background(), object, metav1.CreateOptions{}); err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, err)
					l.mu.Unlock()
				}
				l.writes.Add(1)
			}
		})
	}
	t.Cleanup(cancel)
	return l
}

// GoOn waits for so many more writes.
func (l *Load) GoOn(t *testing.T, more int64) {
	t.Helper()
	for until := l.writes.Load() + more; l.writes.Load() < until; {
		select {
		case <-t.Context().Done():
			t.Fatal("nobody writes")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// End ends the writes, and fails the test if one of them failed.
func (l *Load) End(t *testing.T) {
	t.Helper()
	l.stop()
	l.done.Wait()
	for _, err := range l.failed[:min(len(l.failed), 5)] {
		t.Error(err)
	}
	t.Logf("%d of %d writes failed", len(l.failed), l.writes.Load())
}
