package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
	"gitonly.dev/gitonly/pkg/policy"
)

// SourceSet takes the sources to watch.
type SourceSet interface{ SetSources([]gitindex.Source) }

// AgentSet takes the identities that agents were found to write as.
type AgentSet interface{ SetAgents(policy.Agents) }

// SourceTimes says when Sources looks. The zero value looks as it should.
type SourceTimes struct {
	Poll     time.Duration // at what is read by name, such as Argo CD's settings; 15 seconds if zero
	Gap      time.Duration // least time between two looks; 1 second if zero
	Patience time.Duration // with kinds that can't be listed, before they count as trouble; 10 seconds if zero
}

func (t SourceTimes) withDefaults() SourceTimes {
	for field, fallback := range map[*time.Duration]time.Duration{
		&t.Poll: 15 * time.Second, &t.Gap: time.Second, &t.Patience: 10 * time.Second,
	} {
		if *field == 0 {
			*field = fallback
		}
	}
	return t
}

// Sources follows the cluster's GitSources, and what they make of the agents'
// objects: each replica does.
type Sources struct {
	reader  client.Reader
	objects *agentObjects
	charts  *capabilities
	set     SourceSet
	agents  AgentSet
	times   SourceTimes
	log     logr.Logger
	tell    func(gitSource string)
	wake    chan struct{}

	mu      sync.Mutex
	found   map[string]discover.Found // the last good, by GitSource
	trouble map[string]error          // why there is no newer one
	began   map[string]time.Time      // when they were first looked for
	loaded  bool
}

// AddSources makes m follow GitSources into set, and the identities of agents
// into agents. It tells of each GitSource whose sources it has looked for.
func AddSources(m ctrl.Manager, access *rest.Config, set SourceSet, agents AgentSet, tell func(gitSource string), times SourceTimes, log logr.Logger) (*Sources, error) {
	objects, err := dynamic.NewForConfigAndClient(access, m.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("preparing to watch Argo CD's and Flux's objects: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(access, m.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("preparing to ask for the cluster's kinds: %w", err)
	}
	s := &Sources{
		charts: &capabilities{client: kinds},
		reader: m.GetClient(), set: set, agents: agents, tell: tell, times: times.withDefaults(), log: log,
		wake:  make(chan struct{}, 1),
		found: map[string]discover.Found{}, trouble: map[string]error{}, began: map[string]time.Time{},
	}
	s.objects = newAgentObjects(m.GetRESTMapper(), objects, m.GetAPIReader(), s.ring)
	err = ctrl.NewControllerManagedBy(m).Named("gitsource").For(&v1alpha1.GitSource{}).
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		Complete(s)
	if err != nil {
		return nil, fmt.Errorf("watching GitSources: %w", err)
	}
	return s, m.Add(&loader{m: m, load: s.run})
}

// Reconcile takes up all sources again: unchanged ones are left undisturbed.
func (s *Sources) Reconcile(context.Context, reconcile.Request) (reconcile.Result, error) {
	s.ring()
	return reconcile.Result{}, nil
}

func (s *Sources) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Loaded returns an error until the sources and the agents' identities are
// known as well as they can be.
func (s *Sources) Loaded() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return errors.New("the GitSources have not been read yet")
	}
	return nil
}

// run looks until ctx ends: when something changed, and once in a while.
func (s *Sources) run(ctx context.Context) error {
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.log.Error(err, "sources not taken up, those from before stand")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.times.Gap):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(s.times.Poll):
		}
	}
}

// look takes up what GitSources say, and what the agents' objects make of them.
// It waits a while for kinds to be listed.
func (s *Sources) look(ctx context.Context) error {
	var list v1alpha1.GitSourceList
	if err := s.reader.List(ctx, &list); err != nil {
		return fmt.Errorf("listing GitSources: %w", err)
	}
	var sources []gitindex.Source
	agents := policy.Agents{}
	names := map[string]bool{}
	for i := range list.Items {
		item := &list.Items[i]
		item.SetDefaults()
		names[item.Name] = true
		if written, ok := config.Source(*item); ok {
			sources = append(sources, written)
			continue
		}
		found, ok := s.discover(ctx, item)
		if !ok {
			if s.patient(item.Name) {
				return nil // what is there would look like all there is
			}
			sources = append(sources, s.missing(item))
			continue
		}
		sources = append(sources, sourcesOf(item, found)...)
		addAgents(agents, found.Identities)
	}
	s.forget(names)
	s.agents.SetAgents(agents)
	s.set.SetSources(sources)
	s.mu.Lock()
	s.loaded = true
	s.mu.Unlock()
	for i := range list.Items {
		if list.Items[i].Spec.Git == nil {
			s.tell(list.Items[i].Name)
		}
	}
	return nil
}

// patient reports whether the sources of a GitSource may still be found in good
// time.
func (s *Sources) patient(gitSource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	began, ok := s.began[gitSource]
	if !ok {
		began = time.Now()
		s.began[gitSource] = began
	}
	return time.Since(began) < s.times.Patience
}

// discover returns what was found for a GitSource, now or before; ok is false if
// nothing ever was.
func (s *Sources) discover(ctx context.Context, item *v1alpha1.GitSource) (discover.Found, bool) {
	found, err := s.find(ctx, item)
	waits := err != nil && errors.Is(err, errUnlisted) && s.patient(item.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if waits {
		found, ok := s.found[item.Name]
		return found, ok
	}
	if err != nil {
		if last := s.trouble[item.Name]; last == nil || last.Error() != err.Error() {
			s.log.Error(err, "the agent's sources can't be found", "gitsource", item.Name)
		}
		s.trouble[item.Name] = err
		found, ok := s.found[item.Name]
		return found, ok
	}
	delete(s.trouble, item.Name)
	s.found[item.Name] = found
	return found, true
}

func (s *Sources) find(ctx context.Context, item *v1alpha1.GitSource) (discover.Found, error) {
	finder, kinds, err := finderOf(item)
	if err != nil {
		return discover.Found{}, err
	}
	s.objects.follow(ctx, kinds)
	if kind := s.objects.unknown(kinds); kind != "" {
		return discover.Found{}, fmt.Errorf("reading objects of kind %s: %w", kind, errUnlisted)
	}
	found := finder.Find(ctx, s.objects)
	if found.Err != nil {
		return found, cmp.Or(s.objects.absence(ctx, item, kinds, found.Err), found.Err)
	}
	if len(found.Sources)+len(found.Problems) == 0 {
		found.Absent = s.objects.absence(ctx, item, kinds, nil)
	}
	found.Problems = slices.Concat(found.Problems, unusableIgnores(found.Sources))
	return found, s.charts.complete(found.Sources)
}

// missing stands for the sources of a GitSource that nobody could find yet.
func (s *Sources) missing(item *v1alpha1.GitSource) gitindex.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return gitindex.Source{
		Name: item.Name, Of: item.Name, Interval: item.Spec.Interval.Duration,
		Problem: s.trouble[item.Name].Error(),
	}
}

func (s *Sources) forget(others map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.found, func(name string, _ discover.Found) bool { return !others[name] })
	maps.DeleteFunc(s.began, func(name string, _ time.Time) bool { return !others[name] })
	maps.DeleteFunc(s.trouble, func(name string, _ error) bool { return !others[name] })
}

// Found returns what was last found for a GitSource, and why there is nothing
// newer, or nothing at all; nil and no error before the first look.
func (s *Sources) Found(name string) (*discover.Found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.found[name]
	if !ok {
		return nil, s.trouble[name]
	}
	return &found, cmp.Or(s.trouble[name], found.Absent)
}
