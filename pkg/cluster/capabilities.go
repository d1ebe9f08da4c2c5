package cluster

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/discovery"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// capabilitiesAge is how long what charts may ask of the cluster counts as new.
const capabilitiesAge = time.Minute

// capabilities are what charts may ask of the cluster: its version, and the
// kinds that it serves.
type capabilities struct {
	client discovery.DiscoveryInterface

	mu       sync.Mutex
	readAt   time.Time
	version  string
	versions []string
}

// read asks the API server, unless it was asked not long ago. A server that
// can't say which kinds one of its groups has is asked again next time, and what
// it said before counts.
func (c *capabilities) read() (version string, apiVersions []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.readAt) < capabilitiesAge {
		return c.version, c.versions, nil
	}
	info, err := c.client.ServerVersion()
	if err != nil {
		return "", nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	groups, resources, err := c.client.ServerGroupsAndResources()
	if err != nil && c.versions == nil {
		return "", nil, fmt.Errorf("asking the API server for its kinds: %w", err)
	}
	if err != nil {
		return c.version, c.versions, nil
	}
	var versions []string
	for _, group := range groups {
		for _, version := range group.Versions {
			versions = append(versions, version.GroupVersion)
		}
	}
	for _, list := range resources {
		for _, resource := range list.APIResources {
			versions = append(versions, list.GroupVersion+"/"+resource.Kind)
		}
	}
	slices.Sort(versions)
	c.readAt, c.version, c.versions = time.Now(), info.GitVersion, slices.Compact(versions)
	return c.version, c.versions, nil
}

// complete fills in the capabilities of the cluster where a source's charts say
// nothing of them. The sources' locations are changed.
func (c *capabilities) complete(sources []gitindex.Source) error {
	for i := range sources {
		for j := range sources[i].Locations {
			build := &sources[i].Locations[j].Build
			if build.Helm == nil && !mayBeChart(sources[i].Locations[j]) {
				continue
			}
			version, versions, err := c.read()
			if err != nil {
				return err
			}
			helm := gitindex.HelmBuild{}
			if build.Helm != nil {
				helm = *build.Helm
			}
			helm = helm.In(version, versions)
			build.Helm = &helm
		}
	}
	return nil
}

func mayBeChart(l gitindex.Location) bool {
	return l.Render == gitindex.Auto || l.Render == gitindex.Helm
}
