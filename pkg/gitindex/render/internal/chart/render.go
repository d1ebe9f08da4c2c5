package chart

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	coalesce "helm.sh/helm/v4/pkg/chart/common/util"
	helm "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	manifests "helm.sh/helm/v4/pkg/release/v1/util"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// render renders a chart once. All is read anew: templates may change values.
func render(tree fs.FS, job Job, chance standIns) ([]File, *Fault) {
	c := &charts{tree: tree, from: map[*common.File]origin{}}
	at := path.Join(job.Dir, "Chart.yaml")
	chart, fault := c.folder(job.Dir)
	if fault != nil {
		return nil, fault
	}
	if chart.Metadata.Type == "library" {
		return nil, &Fault{File: at, Text: "the chart is a library, which nothing is rendered of: name a chart that uses it"}
	}
	set, fault := values(tree, job.Dir, job.Build)
	if fault != nil {
		return nil, fault
	}
	if fault := c.dependencies(job.Dir, chart, set); fault != nil {
		return nil, fault
	}
	capabilities, err := capabilitiesOf(job.Build)
	if err != nil {
		return nil, &Fault{Text: err.Error()}
	}
	if wants := chart.Metadata.KubeVersion; wants != "" && !util.IsCompatibleRange(wants, capabilities.KubeVersion.String()) {
		return nil, &Fault{File: at, Text: fmt.Sprintf("the chart wants Kubernetes %s, and is rendered for %s", wants, capabilities.KubeVersion.Version)}
	}
	release := common.ReleaseOptions{Name: cmp.Or(job.Build.ReleaseName, chart.Name()), Namespace: job.Build.Namespace, Revision: 1, IsInstall: true}
	all, err := coalesce.ToRenderValuesWithSchemaValidation(chart, set, release, capabilities, true)
	if err != nil {
		return nil, &Fault{File: at, Text: err.Error()}
	}
	final, _ := all["Values"].(common.Values)
	if !job.Build.SkipSchema {
		if fault := check(chart, final); fault != nil {
			return nil, fault
		}
	}
	rendered, err := engine.Engine{CustomTemplateFuncs: chance.functions()}.RenderWithContext(context.Background(), chart, all)
	places := c.places(chart)
	if err != nil {
		return nil, templateFault(at, places, err)
	}
	return c.files(job, chart, rendered, places)
}

// capabilitiesOf are what helm template --kube-version --api-versions takes
// the cluster for.
func capabilitiesOf(build gitindex.HelmBuild) (*common.Capabilities, error) {
	capabilities := common.DefaultCapabilities.Copy()
	if build.KubeVersion != "" {
		version, err := common.ParseKubeVersion(build.KubeVersion)
		if err != nil {
			return nil, fmt.Errorf("%s is no version of Kubernetes: %w", build.KubeVersion, err)
		}
		capabilities.KubeVersion = *version
	}
	capabilities.APIVersions = slices.Concat(capabilities.APIVersions, build.APIVersions)
	return capabilities, nil
}

// places are the files of the tree by the names that the engine gives to
// templates.
func (c *charts) places(chart *helm.Chart) map[string]origin {
	all := map[string]origin{}
	for _, template := range chart.Templates {
		all[path.Join(chart.ChartFullPath(), template.Name)] = c.from[template]
	}
	for _, sub := range chart.Dependencies() {
		maps.Copy(all, c.places(sub))
	}
	return all
}

// files are the definitions of the chart, and then its templates, by name.
func (c *charts) files(job Job, chart *helm.Chart, rendered map[string]string, places map[string]origin) ([]File, *Fault) {
	var all []File
	left := job.Bytes
	if !job.Build.SkipCRDs {
		for _, definition := range chart.CRDObjects() {
			from := c.from[definition.File]
			text := string(definition.File.Data)
			left -= int64(len(text))
			all = append(all, File{Source: from.file, Documents: []string{text}, Raw: !from.archive})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		text := rendered[name]
		if strings.HasSuffix(name, "NOTES.txt") || strings.TrimSpace(text) == "" {
			continue
		}
		left -= int64(len(text))
		all = append(all, File{Source: places[name].file, Documents: split(text)})
	}
	if left < 0 {
		return nil, &Fault{File: path.Join(job.Dir, "Chart.yaml"), Text: fmt.Sprintf("the chart comes to more than %d bytes: split it into several", job.Bytes)}
	}
	return all, nil
}

// split cuts a file where Helm does.
func split(text string) []string {
	parts := manifests.SplitManifests(text)
	names := slices.Collect(maps.Keys(parts))
	slices.SortFunc(names, func(a, b string) int {
		return number(a) - number(b)
	})
	documents := make([]string, len(names))
	for i, name := range names {
		documents[i] = parts[name]
	}
	return documents
}

func number(name string) (n int) {
	_, _ = fmt.Sscanf(name, "manifest-%d", &n)
	return n
}

func same(a, b []File) bool {
	return slices.EqualFunc(a, b, func(a, b File) bool {
		return a.Source == b.Source && slices.Equal(a.Documents, b.Documents)
	})
}
