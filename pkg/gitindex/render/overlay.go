package render

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// overlaid tells whether something is laid over the kustomization in a folder.
func (j *job) overlaid(dir string) bool {
	return j.at.Build.Kustomize != nil && dir == j.at.Path && j.at.Render != gitindex.Helm
}

// overlay lays a build over the kustomization in a folder, as kustomize edit
// does for Argo CD, and Flux itself.
type overlay struct {
	files fs.FS
	dir   string
	build *gitindex.KustomizeBuild
	flux  bool
}

func (o overlay) change(spec *types.Kustomization) error {
	if o.flux && len(spec.Resources) == 0 && spec.Namespace != placeholder {
		// Flux does so to get past Kustomize's error of an empty file.
		spec.BuildMetadata = []string{types.OriginAnnotations}
	}
	set(&spec.NamePrefix, o.build.NamePrefix)
	set(&spec.NameSuffix, o.build.NameSuffix)
	set(&spec.Namespace, o.build.Namespace)
	o.label(spec)
	if len(o.build.Annotations) > 0 {
		spec.CommonAnnotations = merged(spec.CommonAnnotations, o.build.Annotations)
	}
	for _, replicas := range o.build.Replicas {
		spec.Replicas = slices.DeleteFunc(spec.Replicas, func(r types.Replica) bool { return r.Name == replicas.Name })
		spec.Replicas = append(spec.Replicas, types.Replica{Name: replicas.Name, Count: replicas.Count})
	}
	for _, patch := range o.build.Patches {
		spec.Patches = append(spec.Patches, patchOf(patch))
	}
	if len(o.build.BuildMetadata) > 0 {
		spec.BuildMetadata = o.build.BuildMetadata
	}
	if err := o.component(spec); err != nil {
		return err
	}
	return setImages(spec, o.build.Images, o.flux)
}

func set(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// merged has the entries of both maps, and of keys that are in both the
// second's.
func merged(first, second map[string]string) map[string]string {
	all := make(map[string]string, len(first)+len(second))
	maps.Copy(all, first)
	maps.Copy(all, second)
	return all
}

// label sets labels instead of those of the same keys that go to as many
// places.
func (o overlay) label(spec *types.Kustomization) {
	for _, labels := range o.build.Labels {
		if labels.Selectors {
			//lint:ignore SA1019 files have them all the same
			maps.DeleteFunc(spec.CommonLabels, func(key, _ string) bool { return has(labels.Pairs, key) })
		}
		for _, label := range spec.Labels {
			if label.IncludeSelectors == labels.Selectors && label.IncludeTemplates == labels.Templates {
				maps.DeleteFunc(label.Pairs, func(key, _ string) bool { return has(labels.Pairs, key) })
			}
		}
		spec.Labels = append(spec.Labels, types.Label{
			Pairs: maps.Clone(labels.Pairs), IncludeSelectors: labels.Selectors, IncludeTemplates: labels.Templates,
		})
	}
}

func has(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}

func patchOf(p gitindex.Patch) types.Patch {
	patch := types.Patch{Patch: p.Patch, Path: p.Path}
	if t := p.Target; t != nil {
		patch.Target = &types.Selector{
			ResId: resid.ResId{
				Gvk:  resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind},
				Name: t.Name, Namespace: t.Namespace,
			},
			LabelSelector: t.LabelSelector, AnnotationSelector: t.AnnotationSelector,
		}
	}
	if len(p.Options) > 0 {
		patch.Options = &types.PatchArgs{
			AllowNameChange: p.Options["allowNameChange"],
			AllowKindChange: p.Options["allowKindChange"],
		}
	}
	return patch
}

func (o overlay) component(spec *types.Kustomization) error {
	for _, component := range o.build.Components {
		if path.IsAbs(component) {
			return fmt.Errorf("the component %s is named by an absolute path: name it relative to %s", component, o.dir)
		}
		if o.build.SkipMissingComponents {
			if _, err := fs.Stat(o.files, path.Join(o.dir, component)); err != nil {
				continue
			}
		}
		if o.flux || !slices.Contains(spec.Components, component) {
			spec.Components = append(spec.Components, component)
		}
	}
	return nil
}

// placeholder is the namespace of a generated kustomization of no files: a
// kustomization has to say something.
const placeholder = "_placeholder"

// generate names every .yaml and .yml file in the folder and below it, and
// instead of the files of a folder that has a kustomization the folder.
func (o overlay) generate() (*types.Kustomization, error) {
	spec := &types.Kustomization{
		TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
	}
	err := fs.WalkDir(o.files, o.dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &gitindex.RenderError{File: name, Err: manifest.Unreadable(err)}
		case name == o.dir:
			return nil
		case entry.IsDir():
			if _, err := kustomization.FileIn(o.files, name); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			spec.Resources = append(spec.Resources, o.relative(name))
			return fs.SkipDir
		case isYAML(name) && o.isFile(entry, name):
			spec.Resources = append(spec.Resources, o.relative(name))
		}
		return nil
	})
	if len(spec.Resources) == 0 {
		spec.Namespace = placeholder
	}
	return spec, err
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

func (o overlay) isFile(entry fs.DirEntry, name string) bool {
	if entry.Type() != fs.ModeSymlink {
		return true
	}
	info, err := fs.Stat(o.files, name)
	return err == nil && info.Mode().IsRegular()
}

func (o overlay) relative(name string) string {
	if o.dir == "." {
		return "./" + name
	}
	return "." + strings.TrimPrefix(name, o.dir)
}
