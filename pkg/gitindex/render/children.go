package render

import (
	"slices"
	"sync"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/child"
)

const (
	// maxChildren is how many children a Renderer has side by side.
	maxChildren = 2

	// maxIdle is how long a child waits for more work.
	maxIdle = 3 * time.Second
)

// children are the processes of a Renderer, a few at a time. Those that are
// kept for more work end by themselves, so that nobody has to see to it.
type children struct {
	command []string
	limits  child.Limits
	slots   chan struct{} // held while a child works

	mu   sync.Mutex
	idle []*idleChild
}

type idleChild struct {
	*child.Process
	timer *time.Timer // ends it
}

func newChildren(o Options) *children {
	return &children{
		command: o.Child,
		limits:  child.Limits{CPU: o.ChildTime, Memory: o.ChildMemory, Reply: 4 * o.MaxBytes},
		slots:   make(chan struct{}, maxChildren),
	}
}

// take returns a child for one who holds a slot: one that is idle, if an old
// one will do. One that is new may take the place of an idle one.
func (c *children) take(old bool) (*child.Process, error) {
	if p := c.next(old); p != nil {
		return p, nil
	}
	return child.Start(c.command, c.limits)
}

func (c *children) next(old bool) *child.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.idle) - 1; old && last >= 0 {
		p := c.idle[last]
		c.idle = c.idle[:last]
		p.timer.Stop()
		return p.Process
	}
	for len(c.idle) > 0 && len(c.idle)+len(c.slots) > maxChildren {
		c.idle[0].timer.Stop()
		c.idle[0].End()
		c.idle = c.idle[1:]
	}
	return nil
}

// keep has a child wait for more work. Its slot is still held.
func (c *children) keep(p *child.Process) {
	if !p.Usable() {
		p.End()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := &idleChild{Process: p}
	kept.timer = time.AfterFunc(maxIdle, func() { c.end(kept) })
	c.idle = append(c.idle, kept)
}

func (c *children) end(kept *idleChild) {
	c.mu.Lock()
	at := slices.Index(c.idle, kept)
	if at >= 0 {
		c.idle = slices.Delete(c.idle, at, at+1)
	}
	c.mu.Unlock()
	if at >= 0 {
		kept.End()
	}
}
