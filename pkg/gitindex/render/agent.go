package render

import (
	"bytes"
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
	if now, before := changed.Build.Helm, at.Build.Helm; now != nil && before != nil {
		helm := now.In(before.KubeVersion, before.APIVersions) // of which files say nothing
		changed.Build.Helm = &helm
	}
	return changed, nil
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
