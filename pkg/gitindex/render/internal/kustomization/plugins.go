package kustomization

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/fn/runtime/runtimeutil"
	k8syaml "sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// asKustomizeReads returns the objects that Kustomize sees in a text.
func asKustomizeReads(text []byte) ([]*resource.Resource, error) {
	return provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(text)
}

// refusePlugins checks configurations of generators, transformers and
// validators. Only those that are part of Kustomize may run, and only on
// files of this repository. A text that Kustomize can't read is fine: it is
// not run.
func (l *Layer) refusePlugins(file string, line int, text []byte) error {
	configurations, err := asKustomizeReads(text)
	if err != nil {
		return nil
	}
	documents, _ := manifest.Documents(file, text)
	for i, configuration := range configurations {
		at := line
		if at == 0 && i < len(documents) {
			at = documents[i].Line
		}
		if err := refusePlugin(file, at, configuration); err != nil {
			return err
		}
	}
	return nil
}

func refusePlugin(file string, line int, configuration *resource.Resource) error {
	gvk := configuration.GetGvk()
	if gvk.Group != "" || gvk.Version != "builtin" {
		what := "plugin " + gvk.Kind
		if function, _ := runtimeutil.GetFunctionSpec(&configuration.RNode); function != nil {
			what = "function " + functionName(function)
		}
		return faultf(file, line, "%s is not run: only what is part of Kustomize (apiVersion: builtin) is; commit what it makes", what)
	}
	if strings.Contains(gvk.Kind, "Helm") {
		return faultf(file, line, "Helm charts are not rendered here: commit what they render to, and name that under resources")
	}
	text, err := configuration.AsYAML()
	if err != nil {
		return faultf(file, line, "%s: %w", gvk.Kind, err)
	}
	return refuseLoads(file, line, gvk.Kind, text)
}

func functionName(function *runtimeutil.FunctionSpec) string {
	switch {
	case function.Container.Image != "":
		return function.Container.Image
	case function.Exec.Path != "":
		return function.Exec.Path
	}
	return "of a plugin"
}

// loads are the fields of all configurations that Kustomize loads files from.
// They are decoded as loosely as it does.
type loads struct {
	Path           string
	Paths          []string
	TargetFilePath string
	Replacements   []struct{ Path string }
	Files, Envs    []string
	Env            string
	Patch          string // what it is made of may have aliases
	Patches        string
	JSONOp         string `json:"jsonOp"`
}

func refuseLoads(file string, line int, kind string, text []byte) error {
	var names loads
	if err := k8syaml.Unmarshal(text, &names); err != nil {
		return faultf(file, line, "%s: its fields are not of the types that Kustomize wants", kind)
	}
	paths := slices.Concat([]string{names.Path, names.TargetFilePath, names.Env}, names.Paths)
	for _, replacement := range names.Replacements {
		paths = append(paths, replacement.Path)
	}
	for _, source := range slices.Concat(names.Files, names.Envs) {
		_, named, _ := strings.Cut(source, "=")
		paths = append(paths, source, named)
	}
	for _, p := range paths {
		if isURL(p) {
			return faultf(file, line, "remote file %s is not fetched: copy it into this repository", withoutPassword(p))
		}
	}
	for _, inner := range slices.Concat(names.Paths, []string{names.Patch, names.Patches, names.JSONOp}) {
		if err := manifest.CheckAliases(file, []byte(inner)); err != nil {
			return moved(err, file, line)
		}
	}
	return nil
}
