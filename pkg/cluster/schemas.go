package cluster

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/structured-merge-diff/v6/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// SchemaTimes says when Schemas looks at what the API server publishes. The zero
// value looks as it should.
type SchemaTimes struct {
	Poll     time.Duration // while nothing is amiss; 5 minutes if zero
	Missing  time.Duration // while a declared kind isn't served; 30 seconds if zero
	Retry    time.Duration // after an error, and how long a look may take; 10 seconds if zero
	FirstLag time.Duration // after a CRD changed, each pause twice the one before; 250ms if zero
}

// lagSteps is how often Schemas looks again after a CRD changed: what is
// published follows some seconds later. 250ms · 2⁷ are about half a minute.
const lagSteps = 7

func (t SchemaTimes) withDefaults() SchemaTimes {
	for field, fallback := range map[*time.Duration]time.Duration{
		&t.Poll: 5 * time.Minute, &t.Missing: 30 * time.Second, &t.Retry: 10 * time.Second, &t.FirstLag: 250 * time.Millisecond,
	} {
		if *field == 0 {
			*field = fallback
		}
	}
	return t
}

// Schemas knows the schemas of the kinds that Git declares and that have no Go
// type: of custom kinds, and of aggregated APIs. It fetches what the API server
// publishes of just these, in the background, and keeps what they reach.
type Schemas struct {
	api   *openAPI
	needs func(kschema.GroupVersionKind) bool
	times SchemaTimes
	log   logr.Logger

	current atomic.Pointer[published]
	wake    chan struct{}

	mu      sync.Mutex
	wanted  declaredKinds
	changes map[string]int // of CRDs, by wanted group

	// Those below are the loop's own.
	watching    bool
	complaint   string
	documents   map[kschema.GroupVersion]*document
	definitions map[kschema.GroupKind]definition
}

// declaredKinds are the kinds that Git declares, and in which versions.
type declaredKinds map[kschema.GroupKind]map[string]bool

// published is what Schemas answers with. It is never changed.
type published struct {
	types       map[kschema.GroupVersionKind]publishedType
	unconverted map[kschema.GroupKind]bool
	replicas    map[kschema.GroupVersionKind][]string
}

type publishedType struct {
	schema *schema.Schema
	ref    schema.TypeRef
}

// NewSchemas returns the schemas of the kinds that need one.
func NewSchemas(access *rest.Config, client *http.Client, needs func(kschema.GroupVersionKind) bool, times SchemaTimes, log logr.Logger) (*Schemas, error) {
	api, err := newOpenAPI(access, client)
	if err != nil {
		return nil, fmt.Errorf("preparing to read the API server's schemas: %w", err)
	}
	return &Schemas{
		api: api, needs: needs, times: times.withDefaults(), log: log,
		wake:        make(chan struct{}, 1),
		documents:   map[kschema.GroupVersion]*document{},
		definitions: map[kschema.GroupKind]definition{},
		changes:     map[string]int{},
	}, nil
}

// Schema implements fields.Schemas.
func (s *Schemas) Schema(gvk kschema.GroupVersionKind) (*schema.Schema, schema.TypeRef) {
	current := s.current.Load()
	if current == nil {
		return nil, schema.TypeRef{}
	}
	found := current.types[gvk]
	return found.schema, found.ref
}

// Unconverted implements fields.Schemas.
func (s *Schemas) Unconverted(kind kschema.GroupKind) bool {
	current := s.current.Load()
	return current != nil && current.unconverted[kind]
}

// Replicas implements fields.Schemas.
func (s *Schemas) Replicas(gvk kschema.GroupVersionKind) []string {
	current := s.current.Load()
	if current == nil {
		return nil
	}
	return current.replicas[gvk]
}

// Follow takes note of what a snapshot declares.
func (s *Schemas) Follow(snapshot *gitindex.Snapshot) {
	wanted := declaredKinds{}
	seen := map[[2]string]bool{} // there are few kinds and many objects
	for _, source := range snapshot.Sources() {
		for i := range source.Locations {
			for j := range source.Locations[i].Objects {
				object := &source.Locations[i].Objects[j]
				if kind := [2]string{object.APIVersion, object.Key.Kind}; !seen[kind] {
					seen[kind] = true
					s.add(wanted, object.APIVersion, object.Key.Kind)
				}
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if maps.EqualFunc(s.wanted, wanted, maps.Equal) {
		return
	}
	s.wanted = wanted
	s.rouse()
}

func (s *Schemas) add(wanted declaredKinds, apiVersion, name string) {
	version, err := kschema.ParseGroupVersion(apiVersion)
	if err != nil {
		return // comparing says so
	}
	kind := version.WithKind(name)
	if !s.needs(kind) {
		return
	}
	if wanted[kind.GroupKind()] == nil {
		wanted[kind.GroupKind()] = map[string]bool{}
	}
	wanted[kind.GroupKind()][kind.Version] = true
}

// changed takes note that a CRD of a group changed; all may have, if it is
// empty.
func (s *Schemas) changed(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := map[string]bool{}
	for kind := range s.wanted {
		if group == "" || kind.Group == group {
			groups[kind.Group] = true
		}
	}
	for group := range groups {
		s.changes[group]++
	}
	if len(groups) > 0 {
		s.rouse()
	}
}

func (s *Schemas) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Start implements manager.Runnable: it follows the API server until ctx ends.
func (s *Schemas) Start(ctx context.Context) error {
	seen, lag := map[string]int{}, lagSteps
	for {
		s.mu.Lock()
		wanted, changes := s.wanted, maps.Clone(s.changes)
		s.mu.Unlock()
		if len(wanted) > 0 && !s.watching {
			s.watching = true
			go s.api.watchDefinitions(ctx, s.changed)
		}
		if !maps.Equal(changes, seen) {
			seen, lag = changes, 0
		}
		pause, err := s.look(ctx, wanted, changes)
		s.complain(ctx, err)
		if lag < lagSteps {
			pause = min(pause, s.times.FirstLag<<lag)
			lag++
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// complain says what goes wrong, once.
func (s *Schemas) complain(ctx context.Context, err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != s.complaint && said != "" && ctx.Err() == nil {
		s.log.Error(err, "the schemas of declared kinds are not up to date")
	}
	s.complaint = said
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica
// compares for itself.
func (s *Schemas) NeedLeaderElection() bool { return false }
