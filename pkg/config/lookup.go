package config

import (
	"context"
	"fmt"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// GitSources are the sources as the index takes them.
func (c Config) GitSources() []gitindex.Source {
	sources := make([]gitindex.Source, len(c.Sources))
	for i := range c.Sources {
		sources[i] = Source(c.Sources[i])
	}
	return sources
}

// Data returns what a Secret holds.
func (s Secrets) Data(_ context.Context, name string) (map[string][]byte, error) {
	data, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("there is no Secret %q among the configuration's files", name)
	}
	return data, nil
}
