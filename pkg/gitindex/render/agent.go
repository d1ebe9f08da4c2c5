package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// overridden is the location as files in it have it.
func overridden(files *files, at gitindex.Location) (gitindex.Location, error) {
	override := at.Build.Override
	if override == nil {
		return at, nil
	}
	content := map[string][]byte{}
	for _, name := range override.Files() {
		file := path.Join(at.Path, name)
		data, err := fs.ReadFile(files, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return at, &gitindex.RenderError{File: file, Err: manifest.Unreadable(err)}
		default:
			content[name] = data
		}
	}
	if len(content) == 0 {
		at.Build.Override = nil
		return at, nil
	}
	changed, err := override.Apply(content)
	if err != nil {
		return at, &gitindex.RenderError{File: at.Path, Err: err}
	}
	keepCapabilities(&changed.Build, at.Build)
	return changed, nil
}

// keepCapabilities leaves a chart with what is known of the cluster, of which
// files say nothing.
func keepCapabilities(build *gitindex.Build, before gitindex.Build) {
	if build.Helm == nil || before.Helm == nil {
		return
	}
	helm := *build.Helm
	helm.KubeVersion = cmp.Or(helm.KubeVersion, before.Helm.KubeVersion)
	if helm.APIVersions == nil {
		helm.APIVersions = before.Helm.APIVersions
	}
	build.Helm = &helm
}

// unapplied tells whether the agent never applies an object with this metadata.
func unapplied(metadata map[string]any, such []gitindex.Annotated) bool {
	annotations, _ := metadata["annotations"].(map[string]any)
	return slices.ContainsFunc(such, func(a gitindex.Annotated) bool {
		value, _ := text(annotations, a.Annotation)
		if value == "" {
			return false
		}
		return !slices.ContainsFunc(strings.Split(value, ","), func(one string) bool {
			return !slices.Contains(a.Values, strings.TrimSpace(one))
		})
	})
}

// addOthers declares what the agent applies beside what is rendered.
func (d *declarer) addOthers() error {
	for _, encoded := range d.at.Build.Added {
		fields := map[string]any{}
		decoder := json.NewDecoder(bytes.NewReader([]byte(encoded)))
		decoder.UseNumber()
		if err := decoder.Decode(&fields); err != nil {
			return fmt.Errorf("decoding what the agent adds: %w", err)
		}
		o := &object{fields: fields}
		metadata, ok := fields["metadata"].(map[string]any)
		if !ok {
			return o.fault(errNoName)
		}
		key, unknown, err := d.key(o, metadata)
		if err != nil {
			return err
		}
		if _, rendered := d.seen[key]; rendered {
			continue
		}
		if err := d.declare(o, key, unknown); err != nil {
			return err
		}
	}
	return nil
}
