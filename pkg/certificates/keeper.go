package certificates

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Times say when certificates are renewed. The zero value is as it should be.
type Times struct {
	Life    time.Duration // of a certificate; it is renewed after two thirds. 90 days if zero
	Settle  time.Duration // how long the API servers have trusted a certificate before it is served; 1 minute if zero
	Overlap time.Duration // how long they trust the one before, after that; 10 minutes if zero
	Look    time.Duration // between two looks; 5 seconds if zero
}

func (t Times) withDefaults() Times {
	for field, fallback := range map[*time.Duration]time.Duration{
		&t.Life: 90 * 24 * time.Hour, &t.Settle: time.Minute, &t.Overlap: 10 * time.Minute, &t.Look: 5 * time.Second,
	} {
		if *field == 0 {
			*field = fallback
		}
	}
	return t
}

// early is how far back certificates are valid, for clocks that are slow.
const early = time.Hour

// Keeper keeps the serving certificate in a Secret that all replicas share, and
// has the registration trust it. Each replica runs one: whoever writes first has
// done it for all.
type Keeper struct {
	client       client.Client
	secret       types.NamespacedName
	registration string
	service      string
	times        Times
	clock        clock.Clock
	log          logr.Logger

	since map[string]time.Time // this replica saw it first, by what it is and the certificate

	mu      sync.Mutex
	held    *holding // nil before the first look that succeeds
	problem error    // of the last look
}

// NewKeeper returns a keeper of this Secret and ValidatingWebhookConfiguration.
// service is the name that a certificate is for, whatever the registration says.
// The client must not read from a cache.
func NewKeeper(c client.Client, secret types.NamespacedName, registration, service string, times Times, clock clock.Clock, log logr.Logger) *Keeper {
	return &Keeper{client: c, secret: secret, registration: registration, service: service, times: times.withDefaults(), clock: clock, log: log, since: map[string]time.Time{}}
}

// GetCertificate returns what is to be served now.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.held != nil:
		return k.held.current, nil
	case k.problem != nil:
		return nil, k.problem
	}
	return nil, errors.New("there is no serving certificate yet")
}

// Start implements manager.Runnable: it looks until ctx ends.
func (k *Keeper) Start(ctx context.Context) error {
	for {
		k.note(k.Look(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-k.clock.After(k.times.Look):
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (k *Keeper) NeedLeaderElection() bool { return false }

// note keeps what went wrong, and says so once.
func (k *Keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil && !apierrors.IsConflict(err) && (k.problem == nil || k.problem.Error() != err.Error()) {
		k.log.Error(err, "keeping the serving certificate")
	}
	k.problem = err
}

// Look takes the next step, if one is due, and takes up what others did.
func (k *Keeper) Look(ctx context.Context) error {
	// The registration is read before the Secret. So whoever has an older Secret
	// than the registration's has an older registration, too, and can't change it.
	registration, err := ReadRegistration(ctx, k.client, k.registration)
	if err != nil {
		return err
	}
	var secret corev1.Secret
	err = k.client.Get(ctx, k.secret, &secret)
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return fmt.Errorf("reading Secret %s: %w", k.secret, err)
	}
	held, err := read(&secret)
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", k.secret, err)
	}
	next, err := k.step(held, registration)
	if err != nil {
		return err
	}
	if next != held {
		if err := k.write(ctx, &secret, missing, next); err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.held = next
	k.mu.Unlock()
	if registration == nil {
		return nil
	}
	return registration.trust(ctx, k.client, next.bundle())
}

// step is what there should be: held itself if nothing is due.
func (k *Keeper) step(held *holding, registration *Registration) (*holding, error) {
	now, names := k.clock.Now(), k.names(registration)
	if held == nil {
		k.mu.Lock()
		held = k.held // somebody deleted it, to have it renewed
		k.mu.Unlock()
		if held != nil && held.next == nil {
			return k.prepare(held, names)
		}
	}
	switch {
	case held == nil || held.next == nil && !now.Before(held.current.Leaf.NotAfter):
		return k.prepare(nil, names)
	case held.next != nil:
		settled := k.seen("trusted", held.next, registration.trusts(held.next, held.trusted)) >= k.times.Settle
		if settled || !now.Before(held.current.Leaf.NotAfter) {
			return held.promoted()
		}
	case !now.Before(renewal(held.current.Leaf)) || !covers(held.current.Leaf, names):
		return k.prepare(held, names)
	case len(held.trusted) > 1 && k.seen("served", held.current, true) >= k.times.Overlap:
		return held.alone(), nil
	}
	return held, nil
}

// prepare adds a generation: the next one, or the only one where there is none.
func (k *Keeper) prepare(held *holding, names []string) (*holding, error) {
	from := k.clock.Now()
	made, err := generate(names, from.Add(-early), from.Add(k.times.Life))
	if err != nil {
		return nil, fmt.Errorf("making a serving certificate: %w", err)
	}
	k.log.Info("a serving certificate was made", "names", names, "until", from.Add(k.times.Life).UTC().Format(time.RFC3339))
	return held.with(made)
}

// seen is for how long this replica has seen that a certificate is something.
func (k *Keeper) seen(what string, certificate *tls.Certificate, is bool) time.Duration {
	id := what + string(certificate.Leaf.Raw)
	if !is {
		delete(k.since, id)
		return 0
	}
	if _, ok := k.since[id]; !ok {
		k.since[id] = k.clock.Now()
	}
	return k.clock.Since(k.since[id])
}

// names are what the API server may call gitonly.
func (k *Keeper) names(registration *Registration) []string {
	names := []string{k.service}
	if registration != nil {
		for _, c := range registration.calls {
			if c.host != "" && !slices.Contains(names, c.host) {
				names = append(names, c.host)
			}
		}
	}
	return names
}

func covers(leaf *x509.Certificate, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

// renewal is when two thirds of a certificate's time are over.
func renewal(leaf *x509.Certificate) time.Time {
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3)
}

// trusts reports whether the API server trusts a certificate for all its calls.
func (r *Registration) trusts(served *tls.Certificate, authorities []*x509.Certificate) bool {
	if r == nil {
		return true // it doesn't call
	}
	i := slices.IndexFunc(authorities, func(a *x509.Certificate) bool { return signs(a, served) })
	return i >= 0 && !slices.ContainsFunc(r.calls, func(c call) bool { return !bytes.Contains(c.bundle, encode(authorities[i].Raw)) })
}
