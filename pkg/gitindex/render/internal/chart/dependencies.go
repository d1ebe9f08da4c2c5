package chart

import (
	"fmt"
	"path"
	"strings"

	helm "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/util"
)

// absent marks a chart that stands for one that isn't there.
const absent = "gitonly.dev/absent"

// dependencies takes in the dependencies that lie elsewhere in the tree, and
// leaves out those that the values turn off. One that is on, and in neither
// the tree nor charts/, is a fault.
func (c *charts) dependencies(dir string, chart *helm.Chart, values map[string]any) *Fault {
	at := path.Join(dir, "Chart.yaml")
	have := map[string]bool{}
	for _, sub := range chart.Dependencies() {
		have[sub.Name()] = true
	}
	for _, want := range chart.Metadata.Dependencies {
		if want == nil || have[want.Name] {
			continue
		}
		have[want.Name] = true
		if folder, ok := strings.CutPrefix(want.Repository, "file://"); ok && !path.IsAbs(folder) {
			sub, fault := c.folder(path.Join(dir, folder))
			if fault != nil {
				return fault
			}
			chart.AddDependency(sub)
			continue
		}
		standIn(chart, want)
	}
	if err := util.ProcessDependencies(chart, values); err != nil {
		return &Fault{File: at, Text: err.Error()}
	}
	for _, sub := range chart.Dependencies() {
		if name := sub.Metadata.Annotations[absent]; name != "" {
			return &Fault{File: at, Text: fmt.Sprintf("the dependency %s is not in charts/, and nothing is fetched: commit what helm dependency update puts there", name)}
		}
	}
	return nil
}

// standIn adds an empty chart, so that Helm works out whether the dependency
// is on.
func standIn(chart *helm.Chart, want *helm.Dependency) {
	const version = "0.0.0"
	for _, other := range chart.Metadata.Dependencies {
		if other != nil && other.Name == want.Name {
			other.Version = version
		}
	}
	chart.AddDependency(&helm.Chart{Metadata: &helm.Metadata{
		APIVersion: helm.APIVersionV2, Name: want.Name, Version: version,
		Annotations: map[string]string{absent: want.Name},
	}})
}
