// Package charts renders gitonly's chart, by Helm's own library: for the plain
// manifests in config, and for tests.
package charts

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

// Release says what the chart is installed as.
type Release struct {
	Name      string // gitonly if empty
	Namespace string // gitonly-system if empty
	Service   string // who installs: Helm if empty
	Upgrade   bool   // it is installed already

	APIVersions []string // that the cluster has beside Kubernetes' own, such as argoproj.io/v1alpha1/Application
}

// Render renders the chart in a folder with values, those of values.yaml being
// the defaults, and returns what its templates make by their paths in the chart,
// such as templates/service.yaml. Templates that make nothing are left out.
func Render(dir string, values map[string]any, r Release) (map[string]string, error) {
	chart, err := loader.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the chart: %w", err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.APIVersions = slices.Concat(capabilities.APIVersions, r.APIVersions)
	all, err := util.ToRenderValues(chart, values, common.ReleaseOptions{
		Name: cmp.Or(r.Name, "gitonly"), Namespace: cmp.Or(r.Namespace, "gitonly-system"), Revision: 1, IsInstall: !r.Upgrade, IsUpgrade: r.Upgrade,
	}, capabilities)
	if err != nil {
		return nil, err
	}
	if r.Service != "" {
		all["Release"].(map[string]any)["Service"] = r.Service
	}
	rendered, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if text := rendered[name]; strings.TrimSpace(text) != "" {
			files[strings.TrimPrefix(name, path.Clean(chart.Name())+"/")] = text
		}
	}
	return files, nil
}
