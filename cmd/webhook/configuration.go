package main

import (
	"cmp"
	"errors"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/cluster"
	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// fromFiles configures the parts from a folder.
func (p *parts) fromFiles() error {
	loaded, err := config.LoadDir(p.options.config)
	if err != nil {
		return err
	}
	for _, warning := range append(loaded.Warnings(), policy.Advice(loaded.Policies, p.types)...) {
		p.log.Info(warning, "config", p.options.config)
	}
	guards, err := policy.New(loaded.Policies, p.types)
	if err != nil {
		return err
	}
	guards.Faults = "ask whoever runs gitonly: its log says why"
	p.policies.Set(guards)
	p.discovered = func() error { return nil }
	p.newRefresher(loaded.Secrets, nil)
	p.SetSources(loaded.GitSources())
	return p.servePushes(loaded.Secrets)
}

// fromCluster configures the parts from the API server, for as long as the
// process runs.
func (p *parts) fromCluster(access *rest.Config) error {
	changed := make(chan event.TypedGenericEvent[client.Object], 1024)
	tell := func(name string) {
		source := &v1alpha1.GitSource{}
		source.Name = name
		select {
		case changed <- event.TypedGenericEvent[client.Object]{Object: source}:
		default: // full: the next look at the source says it again
		}
	}
	undeclared := cluster.NewUndeclared(p.manager.GetEventRecorder("gitonly"), p.manager.GetClient(), func() bool { return p.leader.Term() != nil })
	secrets := cluster.NewSecrets(p.manager.GetAPIReader(), p.options.namespace)
	p.newRefresher(secrets, func(snapshot *gitindex.Snapshot) {
		undeclared.Follow(snapshot)
		names := map[string]bool{}
		for _, state := range snapshot.Sources() {
			names[cmp.Or(state.Source.Of, state.Source.Name)] = true
		}
		for name := range names {
			tell(name)
		}
	})
	sources, err := cluster.AddSources(p.manager, access, p, &p.policies, tell, cluster.SourceTimes{}, p.log.WithName("sources"))
	if err != nil {
		return err
	}
	p.discovered = sources.Loaded
	return errors.Join(
		p.servePushes(secrets),
		cluster.AddSourceStatus(p.manager, p.leader.Only, p.refresher.Latest, sources, changed),
		cluster.AddReplicaStatus(p.manager, replicaName(), p.refresher.Latest, p.log.WithName("sources")),
		cluster.AddPolicies(p.manager, p.leader.Only, &p.policies, p.types, p.adviser(), p.log.WithName("policies")),
	)
}
