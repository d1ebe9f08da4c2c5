package discover

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// helm leaves out which Helm is to run (version), and whom it passes
// credentials to.
func (b argoCDBuilder) helm(s argoCDSource, env *argoCDEnvironment) (*gitindex.HelmBuild, error) {
	build := &gitindex.HelmBuild{ReleaseName: b.name, Namespace: b.namespace}
	h := s.Helm
	if h == nil {
		return build, nil
	}
	build.ReleaseName = cmp.Or(h.ReleaseName, build.ReleaseName)
	build.Namespace = cmp.Or(h.Namespace, build.Namespace)
	build.SkipCRDs, build.SkipTests, build.SkipSchema = h.SkipCRDs, h.SkipTests, h.SkipSchemaValidation
	build.SkipMissingValueFiles = h.IgnoreMissingValueFiles
	build.KubeVersion, build.APIVersions = h.KubeVersion, h.APIVersions

	var err error
	if build.Values, err = h.inline(); err != nil {
		return nil, err
	}
	for _, name := range h.ValueFiles {
		file, err := b.valuesFile(name, env)
		if err != nil {
			return nil, err
		}
		build.ValueFiles = append(build.ValueFiles, file)
	}
	// Of parameters by the same name the last counts, and text goes after the
	// others.
	for _, text := range []bool{false, true} {
		for i, p := range h.Parameters {
			last := !slices.ContainsFunc(h.Parameters[i+1:], func(q argoCDSetValue) bool { return q.Name == p.Name && q.ForceString == text })
			if p.ForceString == text && last {
				build.Set = append(build.Set, gitindex.SetValue{Name: p.Name, Value: env.expand(p.Value), Text: text})
			}
		}
	}
	for _, p := range h.FileParameters {
		file, err := b.valuesFile(p.Path, env)
		if err != nil {
			return nil, err
		}
		build.SetFile = append(build.SetFile, gitindex.SetValue{Name: p.Name, Value: file})
	}
	return build, nil
}

// inline are the values in the source itself: of valuesObject if there is one.
func (h *argoCDHelm) inline() (string, error) {
	if len(h.ValuesObject) == 0 || string(h.ValuesObject) == "null" {
		return h.Values, nil
	}
	values, err := yaml.JSONToYAML(h.ValuesObject)
	if err != nil {
		return "", errors.New("its valuesObject can't be read")
	}
	return string(values), nil
}

// valuesFile is the name of a file with the variables in it replaced, but for
// the name of a reference.
func (b argoCDBuilder) valuesFile(name string, env *argoCDEnvironment) (string, error) {
	first, rest, below := strings.Cut(name, "/")
	if below && slices.Contains(b.references, first) {
		return first + path.Clean("/"+env.expand(rest)), nil
	}
	name = env.expand(name)
	if strings.Contains(name, "://") {
		return "", fmt.Errorf("its values are fetched from the web, and not from a repository: %s", gitindex.Redact(name))
	}
	return name, nil
}
