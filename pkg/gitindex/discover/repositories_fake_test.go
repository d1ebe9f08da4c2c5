package discover_test

import (
	"context"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// Repositories implements discover.Cluster: there is no Argo CD.
func (fluxCluster) Repositories(context.Context, string) ([]discover.ArgoCDRepository, error) {
	return nil, nil
}
