package serving_test

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// balancer stands for a Service: it spreads connections over the replicas that
// are in it.
type balancer struct {
	listener net.Listener

	mu       sync.Mutex
	backends []int // ports
	next     int
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go b.connect(connection)
		}
	}()
	return b
}

func (b *balancer) port() int32 { return int32(b.listener.Addr().(*net.TCPAddr).Port) }

// set makes these ports the replicas. Connections that there are go on.
func (b *balancer) set(ports ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = ports
}

func (b *balancer) connect(from net.Conn) {
	defer from.Close()
	b.mu.Lock()
	if len(b.backends) == 0 {
		b.mu.Unlock()
		return
	}
	b.next++
	port := b.backends[b.next%len(b.backends)]
	b.mu.Unlock()
	to, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(from, to)
}
