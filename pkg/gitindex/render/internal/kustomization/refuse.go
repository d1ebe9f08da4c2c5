package kustomization

import (
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// refuse checks one kustomization file for what Kustomize would fetch or run.
func (l *Layer) refuse(plugins bool) error {
	all, err := texts(l.Spec)
	if err != nil {
		return err
	}
	for _, text := range all {
		if err := manifest.CheckAliases(l.File, []byte(text)); err != nil {
			return moved(err, l.File, l.lineOf(text))
		}
	}
	for _, ref := range references(l.Spec) {
		if ref.remote() {
			return faultf(l.File, l.lineOf(ref.text), "remote %s %s is not fetched: copy it into this repository%s",
				ref.remoteNoun(), withoutPassword(ref.path), ref.instead())
		}
	}
	if len(l.Spec.HelmCharts) > 0 {
		line := max(l.lineOfKey("helmCharts"), l.lineOfKey("helmChartInflationGenerator"))
		return faultf(l.File, line, "Helm charts are not rendered here: commit what they render to, and name that under resources")
	}
	if plugins {
		return l.refuseComputedPlugins()
	}
	return nil
}

// refuseComputedPlugins sees to it that a configuration of a plugin is what
// its file says: the files that it names were checked, those that some patch
// makes of it were not.
func (l *Layer) refuseComputedPlugins() error {
	rest := *l.Spec
	rest.Resources, rest.MetaData = nil, nil
	if isEmpty(&rest) {
		return nil
	}
	spec := reflect.ValueOf(rest)
	for i := range spec.NumField() {
		name, _, _ := strings.Cut(spec.Type().Field(i).Tag.Get("json"), ",")
		if name != "" && !spec.Field(i).IsZero() {
			return faultf(l.File, l.lineOfKey(name),
				"%s is not supported in a kustomization of generators, transformers or validators: write their configuration out", name)
		}
	}
	return nil
}

// reference is a path in a kustomization that Kustomize hands to its loader.
type reference struct {
	noun string
	text string // as it stands in the file
	path string
	dir  bool // Kustomize takes it for a Git repository if it looks like one
}

// references has every path that Kustomize would load.
func references(spec *types.Kustomization) []reference {
	var all []reference
	add := func(noun string, dir bool, paths ...string) {
		for _, p := range paths {
			if p != "" {
				all = append(all, reference{noun: noun, text: p, path: p, dir: dir})
			}
		}
	}
	add("base", true, spec.Resources...)
	add("base", true, spec.Bases...)
	add("component", true, spec.Components...)
	add("generator", true, spec.Generators...)
	add("transformer", true, spec.Transformers...)
	add("validator", true, spec.Validators...)
	add("configuration", false, spec.Configurations...)
	add("CRD schema", false, spec.Crds...)
	add("schema", false, spec.OpenAPI["path"])
	for _, patch := range spec.PatchesStrategicMerge {
		add("patch", false, string(patch))
	}
	for _, patch := range slices.Concat(spec.Patches, spec.PatchesJson6902) {
		add("patch", false, patch.Path)
	}
	for _, replacement := range spec.Replacements {
		add("replacement", false, replacement.Path)
	}
	for _, g := range spec.ConfigMapGenerator {
		all = append(all, dataReferences(g.KvPairSources)...)
	}
	for _, g := range spec.SecretGenerator {
		all = append(all, dataReferences(g.KvPairSources)...)
	}
	return all
}

func dataReferences(sources types.KvPairSources) []reference {
	var all []reference
	for _, text := range sources.FileSources {
		all = append(all, reference{noun: "file", text: text, path: text})
		if _, file, named := strings.Cut(text, "="); named {
			all = append(all, reference{noun: "file", text: text, path: file})
		}
	}
	for _, text := range slices.Concat(sources.EnvSources, []string{sources.EnvSource}) {
		if text != "" {
			all = append(all, reference{noun: "file", text: text, path: text})
		}
	}
	return all
}

func (r reference) remote() bool { return isURL(r.path) || r.dir && isRepository(r.path) }

func (r reference) remoteNoun() string {
	switch path.Ext(r.path) {
	case ".yaml", ".yml", ".json":
		if r.noun == "base" {
			return "resource"
		}
	}
	return r.noun
}

func (r reference) instead() string {
	if r.remoteNoun() == "base" {
		return ", or name it as a source of its own"
	}
	return ""
}

// isURL tells whether Kustomize's loader would send a GET request.
func isURL(path string) bool {
	u, err := url.Parse(path)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// isRepository tells whether Kustomize would clone a path with git: it is
// asked how it would write down the origin of such a base.
func isRepository(path string) bool {
	if len(path) > 5 && strings.EqualFold(path[:5], "git::") {
		return true // Kustomize would log a warning
	}
	return new(resource.Origin).Append(path).Repo != ""
}

var password = regexp.MustCompile(`://[^/@]*@`)

func withoutPassword(url string) string { return password.ReplaceAllString(url, "://") }
