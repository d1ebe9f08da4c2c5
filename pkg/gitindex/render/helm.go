package render

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/chart"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// helm renders the chart in a folder as helm template --include-crds does,
// without its network: dependencies are in charts/, or elsewhere in the tree.
// The chart is rendered twice, to find the fields that come out differently
// each time; objects whose name does are left out.
//
// Without a build the release is called as the folder, or in the root as the
// chart, and goes to the location's namespace.
func (j *job) helm(at gitindex.Location, folder bool) ([]object, error) {
	if !folder {
		return nil, fmt.Errorf("%s is a file, and Helm renders folders: name the chart's folder", at.Path)
	}
	build := gitindex.HelmBuild{}
	if at.Build.Helm != nil {
		build = *at.Build.Helm
	}
	build.Namespace = cmp.Or(build.Namespace, at.Namespace, "default")
	build = build.In(j.options.KubeVersion, j.options.APIVersions)
	if build.ReleaseName == "" && at.Path != "." {
		build.ReleaseName = path.Base(at.Path)
	}
	file := path.Join(at.Path, "Chart.yaml")
	if _, err := fs.Stat(j.files, file); isMissing(err) {
		return nil, fmt.Errorf("%s has no Chart.yaml: name the folder of a chart", at.Path)
	}
	m, err := j.children.run(j.files.ctx, j.files, work{Chart: &chart.Job{Dir: at.Path, Build: build, Bytes: j.options.MaxBytes}})
	if err != nil {
		return nil, atFile(file, 0, err)
	}
	if fault := m.Chart.Fault; fault != nil {
		return nil, atFile(fault.File, fault.Line, errors.New(fault.Text))
	}
	first, err := j.rendered(m.Chart.Files, build)
	if err != nil || m.Chart.Again == nil {
		return first, err
	}
	second, err := j.rendered(m.Chart.Again, build)
	if err != nil {
		return nil, err
	}
	return settled(first, second), nil
}

// atFile gives an error its place if a file is at fault.
func atFile(file string, line int, err error) error {
	if no := (*noFault)(nil); file == "" || errors.As(err, &no) {
		return err
	}
	return &gitindex.RenderError{File: file, Line: line, Err: err}
}

// rendered reads what a chart comes to. Helm and the agents don't mind keys
// that stand twice, and many charts make them.
func (j *job) rendered(files []chart.File, build gitindex.HelmBuild) ([]object, error) {
	var all []object
	for _, file := range files {
		for n, text := range file.Documents {
			found, err := documentsOf(file.Source, text)
			if err != nil {
				return nil, inRendered(file, n, err)
			}
			for _, o := range found {
				if !file.Raw {
					if o.line = 0; !applied(o.fields, build) {
						continue
					}
				}
				all = append(all, o)
			}
			if err := j.count(len(all)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func documentsOf(file, text string) ([]object, error) {
	documents, err := manifest.Lenient(file, []byte(text))
	if err != nil {
		return nil, err
	}
	var all []object
	for i := range documents {
		found, err := documents[i].Objects()
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			all = append(all, object{fields: o.Fields, file: o.File, line: o.Line})
		}
	}
	return all, nil
}

// inRendered says that a line is one of what a template comes to.
func inRendered(file chart.File, n int, err error) error {
	fault := (*gitindex.RenderError)(nil)
	if file.Raw || !errors.As(err, &fault) {
		return err
	}
	if no := (*manifest.NoObject)(nil); errors.As(err, &no) {
		return &gitindex.RenderError{File: file.Source,
			Err: fmt.Errorf("document %d of what it comes to is no Kubernetes object: %s", n+1, no.Why)}
	}
	return &gitindex.RenderError{File: file.Source,
		Err: fmt.Errorf("in document %d of what it comes to, line %d: %w", n+1, fault.Line, fault.Err)}
}

// hookEvents are the events that Helm knows.
var hookEvents = map[string]bool{
	"pre-install": true, "post-install": true, "pre-delete": true, "post-delete": true,
	"pre-upgrade": true, "post-upgrade": true, "pre-rollback": true, "post-rollback": true,
	"test": true, "test-success": true,
}

// applied reports whether an object is one that Helm passes on: not a hook
// that the build leaves out, nor one at an event that Helm doesn't know.
func applied(fields map[string]any, build gitindex.HelmBuild) bool {
	metadata, _ := fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	hook, isHook := annotations["helm.sh/hook"].(string)
	if !isHook {
		return true
	}
	if build.SkipHooks {
		return false
	}
	events := strings.Split(hook, ",")
	for i := range events {
		events[i] = strings.ToLower(strings.TrimSpace(events[i]))
		if !hookEvents[events[i]] {
			return false
		}
	}
	isTest := slices.Contains(events, "test") || slices.Contains(events, "test-success")
	return !build.SkipTests || !isTest
}
