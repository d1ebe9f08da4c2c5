package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// sayAfter is how long loading may take before it says what it is waiting for.
const sayAfter = 2 * time.Second

// read reads the configuration, and says what keeps it from doing anything, or
// from doing what is probably meant.
func (o *offline) read(stderr io.Writer) (config.Config, policy.Policy, error) {
	c, err := config.LoadDir(o.config)
	if err != nil {
		return config.Config{}, policy.Policy{}, err
	}
	types, err := builtin.Types()
	if err != nil {
		return config.Config{}, policy.Policy{}, err
	}
	guards, err := policy.New(c.Policies, types)
	if err != nil {
		return config.Config{}, policy.Policy{}, err
	}
	for _, warning := range append(c.Warnings(), policy.Advice(c.Policies, types)...) {
		fmt.Fprintf(stderr, "warning: %s\n", warning)
	}
	return c, guards, nil
}

// load fetches and renders all sources of a configuration once. The index has
// what the webhook would decide by; what is wrong with the sources is in the
// snapshot: see faults.
func (o *offline) load(ctx context.Context, c config.Config, progress io.Writer) (*gitindex.Snapshot, *gitindex.Index, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan struct{})
	var index gitindex.Index
	fetcher := git.New(filepath.Join(o.cache, "git"), git.CredentialsFrom(c.Secrets), git.Options{Signers: git.SignersFrom(c.Secrets)})
	var refresher *gitindex.Refresher
	refresher = gitindex.NewRefresher(&index, fetcher, render.New(render.Options{Child: render.OwnChild()}), nil, logr.Discard(), gitindex.Options{
		StartTimeout: time.Hour, // the fetcher's own timeouts end a source that hangs
		OnChange: func(*gitindex.Snapshot) {
			if refresher.Ready() {
				cancel()
			}
		},
	})
	refresher.SetSources(c.GitSources())
	var failure error
	go func() {
		defer close(loaded)
		failure = refresher.Run(ctx)
	}()
	select {
	case <-loaded:
	case <-time.After(sayAfter):
		fmt.Fprintf(progress, "fetching %s …\n", strings.Join(names(c), ", "))
		<-loaded
	}
	if failure != nil && !errors.Is(failure, context.Canceled) {
		return nil, nil, failure
	}
	if !refresher.Ready() {
		return nil, nil, fmt.Errorf("interrupted while fetching %s", strings.Join(names(c), ", "))
	}
	for _, state := range refresher.Latest().Sources() {
		for i := range state.Locations {
			for _, warning := range state.Locations[i].Warnings() {
				fmt.Fprintf(progress, "warning: %s\n", warning)
			}
		}
	}
	return refresher.Latest(), &index, nil
}

func names(c config.Config) []string {
	var names []string
	for _, source := range c.Sources {
		names = append(names, source.Name)
	}
	return names
}

// faults is everything that is wrong with a snapshot's sources; nil if nothing.
func faults(snapshot *gitindex.Snapshot) error {
	var found []error
	for _, state := range snapshot.Sources() {
		for _, fault := range state.Faults() {
			found = append(found, fmt.Errorf("source %s: %w", state.Source.Name, fault))
		}
	}
	for _, conflict := range snapshot.Conflicts() {
		found = append(found, conflict)
	}
	return errors.Join(found...)
}
