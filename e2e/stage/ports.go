package stage

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports to listen on are taken from below those that systems give to outgoing
// connections: such a connection would take a port that is free for a moment,
// as while a process restarts.
const firstPort, lastPort = 15000, 32000

// FreePort returns a port of loopback that nobody listens on.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port: %w", err)
}

// ports gives each once: a port is free until its process listens, and another
// might get it meanwhile.
type ports struct {
	mu    sync.Mutex
	given map[int]bool
}

func (p *ports) free() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		port, err := FreePort()
		if err != nil {
			return 0, err
		}
		if !p.given[port] {
			if p.given == nil {
				p.given = map[int]bool{}
			}
			p.given[port] = true
			return port, nil
		}
	}
}
