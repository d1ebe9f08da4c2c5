package cluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/config"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// oncePatience is how long a look that is made once waits for kinds to be listed.
const oncePatience = 10 * time.Second

// SourcesOf returns the sources that a GitSource is, or has at its agent, by one
// look. It is for programs that don't go on looking.
func SourcesOf(ctx context.Context, access *rest.Config, reader client.Client, item *v1alpha1.GitSource) ([]gitindex.Source, error) {
	item = item.DeepCopy()
	item.SetDefaults()
	if written, ok := config.Source(*item); ok {
		return []gitindex.Source{written}, nil
	}
	finder, kinds, err := finderOf(item)
	if err != nil {
		return nil, err
	}
	asked, err := dynamic.NewForConfig(access)
	if err != nil {
		return nil, err
	}
	served, err := discovery.NewDiscoveryClientForConfig(access)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, oncePatience)
	defer cancel()
	listed := make(chan struct{}, 1)
	objects := newAgentObjects(reader.RESTMapper(), asked, reader, func() {
		select {
		case listed <- struct{}{}:
		default:
		}
	})
	objects.follow(ctx, kinds)
	for kind := objects.unknown(kinds); kind != ""; kind = objects.unknown(kinds) {
		select {
		case <-listed:
		case <-ctx.Done():
			return nil, fmt.Errorf("listing objects of kind %s took longer than %s: you may have no right to list and watch them", kind, oncePatience)
		}
	}
	found := finder.Find(ctx, objects)
	if found.Err != nil {
		return nil, found.Err
	}
	charts := &capabilities{client: served}
	return sourcesOf(item, found), charts.complete(found.Sources)
}
