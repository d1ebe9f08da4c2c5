package config

import (
	"context"
	"fmt"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// GitSources are the sources with spec.git, as the index takes them.
func (c Config) GitSources() []gitindex.Source {
	sources := make([]gitindex.Source, 0, len(c.Sources))
	for i := range c.Sources {
		if source, ok := Source(c.Sources[i]); ok {
			sources = append(sources, source)
		}
	}
	return sources
}

// Data returns what a Secret holds. Files have those of gitonly's namespace only.
func (s Secrets) Data(_ context.Context, ref gitindex.SecretRef) (map[string][]byte, error) {
	data, ok := s[ref.Name]
	if !ok || ref.Namespace != "" {
		return nil, fmt.Errorf("there is no Secret %q among the configuration's files", ref.String())
	}
	return data, nil
}

// ConfigMap returns nothing: there are none among files.
func (s Secrets) ConfigMap(context.Context, string, string) (map[string][]byte, error) {
	return nil, nil
}
