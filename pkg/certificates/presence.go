package certificates

import (
	"context"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// Presence knows whether the registration is there. Whoever deletes it is asked
// by no webhook, and from then on gitonly isn't either: nothing else tells.
type Presence struct {
	name  string
	read  func(context.Context) (*Registration, error)
	clock clock.Clock
	log   logr.Logger

	mu    sync.Mutex
	found Found
}

// Found is what came of looking for the registration.
type Found int

// What may come of it.
const (
	Unread  Found = iota - 1 // nobody knows: it can't be read, or wasn't looked for yet
	Gone                     // there is none, and the API server asks nothing
	Present                  // it is there
)

// NewPresence returns who looks for the registration of this name. read returns
// nil if there is none.
func NewPresence(name string, read func(context.Context) (*Registration, error), clock clock.Clock, log logr.Logger) *Presence {
	return &Presence{name: name, read: read, clock: clock, log: log, found: Unread}
}

// Found is what came of the last look.
func (p *Presence) Found() Found {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found
}

// Start implements manager.Runnable: it looks until ctx ends.
func (p *Presence) Start(ctx context.Context) error {
	complaint := ""
	for {
		complaint = p.look(ctx, complaint)
		select {
		case <-ctx.Done():
			return nil
		case <-p.clock.After(readGap):
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (p *Presence) NeedLeaderElection() bool { return false }

// look looks once, and says what is new since the last complaint. It returns
// what it has to complain of.
func (p *Presence) look(ctx context.Context, last string) (complaint string) {
	reading, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	registration, err := p.read(reading)
	if ctx.Err() != nil {
		return last
	}
	found := Present
	switch {
	case err != nil:
		found, complaint = Unread, err.Error()
	case registration == nil:
		found, complaint = Gone, "gone"
	}
	p.mu.Lock()
	p.found = found
	p.mu.Unlock()
	switch log := p.log.WithValues("validatingWebhookConfiguration", p.name); {
	case complaint == last:
	case err != nil:
		log.Error(err, "whether there is a registration isn't known")
	case registration == nil:
		log.Error(nil, "there is no registration: the API server asks gitonly about nothing, and every write passes")
	default:
		log.Info("the registration is there again")
	}
	return complaint
}
