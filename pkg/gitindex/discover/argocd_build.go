package discover

import (
	"cmp"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// argoCDBuilder makes locations of an Application's sources. It has nothing of
// the Application that changes with its status: locations hold it, and are
// compared.
type argoCDBuilder struct {
	name       string // of the Application
	instance   string // its name among those of all namespaces
	project    string
	namespace  string   // of the destination
	references []string // such as $values
	marks      gitindex.Marks
	ignores    []gitindex.FieldIgnore
	added      []string
}

func newArgoCDBuilder(app *argoCDApplication, instance string, settings argoCDSettings) argoCDBuilder {
	b := argoCDBuilder{
		name:      app.Metadata.Name,
		instance:  instance,
		project:   cmp.Or(app.Spec.Project, "default"),
		namespace: app.Spec.Destination.Namespace,
		marks:     settings.marks(instance),
		ignores:   slices.Clone(settings.ignores),
	}
	for _, ignore := range app.Spec.IgnoreDifferences {
		if fields, ok := ignore.fields(); ok {
			b.ignores = append(b.ignores, fields)
		}
	}
	for _, source := range app.Spec.Sources {
		if source.Ref != "" {
			b.references = append(b.references, "$"+source.Ref)
		}
	}
	return b
}

// unappliedHooks are those that Argo CD runs at no time.
func unappliedHooks() []gitindex.Annotated {
	return []gitindex.Annotated{
		{Annotation: "argocd.argoproj.io/hook", Values: []string{"Skip"}},
		{Annotation: "helm.sh/hook", Values: []string{"test", "test-success", "test-failure", "pre-rollback", "post-rollback"}},
	}
}

// location is a source as a location, which files in the repository may change.
func (b argoCDBuilder) location(s argoCDSource) (gitindex.Location, error) {
	location, err := b.build(s)
	if err != nil {
		return gitindex.Location{}, err
	}
	location.Build.Override = &argoCDOverride{builder: b, source: s}
	return location, nil
}

// build is a source as a location, as it is.
func (b argoCDBuilder) build(s argoCDSource) (gitindex.Location, error) {
	s.dropEmpty()
	at, err := cleanPath(s)
	if err != nil {
		return gitindex.Location{}, err
	}
	format, err := s.format()
	if err != nil {
		return gitindex.Location{}, err
	}
	env := b.environment(s)
	location := gitindex.Location{
		Path:      at,
		Namespace: b.namespace,
		Render:    format,
		Build: gitindex.Build{
			Marks:     b.marks,
			Ignores:   b.ignores,
			Unapplied: unappliedHooks(),
			Added:     b.added,
		},
	}
	build := &location.Build
	build.Directory, build.Jsonnet = s.directory(env)
	if build.Kustomize, err = s.kustomize(env); err != nil {
		return gitindex.Location{}, err
	}
	if build.Helm, err = b.helm(s, env); err != nil {
		return gitindex.Location{}, err
	}
	switch {
	case s.Plugin != nil && s.Plugin.Name != "":
		return b.unrendered(s, "config management plugin "+s.Plugin.Name), nil
	case s.Plugin != nil:
		return b.unrendered(s, "a config management plugin"), nil
	case env.ofRevision != "":
		return b.unrendered(s, "$"+env.ofRevision+" is part of what is rendered"), nil
	}
	return location, nil
}

// unrendered is a location that only Argo CD knows what to make of.
func (b argoCDBuilder) unrendered(s argoCDSource, why string) gitindex.Location {
	at, err := cleanPath(s)
	if err != nil {
		at = "."
	}
	return gitindex.Location{
		Path:      at,
		Namespace: b.namespace,
		Render:    gitindex.Unrendered,
		Build:     gitindex.Build{Ignores: b.ignores, Why: why},
	}
}

// dropEmpty takes out the blocks that say nothing, as Argo CD does.
func (s *argoCDSource) dropEmpty() {
	if s.Helm != nil && reflect.ValueOf(*s.Helm).IsZero() {
		s.Helm = nil
	}
	if s.Kustomize != nil && reflect.ValueOf(*s.Kustomize).IsZero() {
		s.Kustomize = nil
	}
	if s.Directory != nil && reflect.ValueOf(*s.Directory).IsZero() {
		s.Directory = nil
	}
}

// format is by what a source is explicitly rendered.
func (s argoCDSource) format() (gitindex.Format, error) {
	var named []string
	format := gitindex.Auto
	for _, block := range []struct {
		name   string
		is     bool
		format gitindex.Format
	}{
		{"helm", s.Helm != nil, gitindex.Helm},
		{"kustomize", s.Kustomize != nil, gitindex.Kustomize},
		{"directory", s.Directory != nil, gitindex.Plain},
		{"plugin", s.Plugin != nil, gitindex.Unrendered},
	} {
		if block.is {
			named, format = append(named, block.name), block.format
		}
	}
	if len(named) > 1 {
		return "", fmt.Errorf("it sets %s: Argo CD renders a source by one of them", strings.Join(named, " and "))
	}
	if s.Chart != "" && len(named) == 0 {
		format = gitindex.Helm
	}
	return format, nil
}

// directory is of a folder of manifests, .jsonnet files among them. Folders
// below it count only if the source says so.
func (s argoCDSource) directory(env *argoCDEnvironment) (*gitindex.Directory, *gitindex.JsonnetBuild) {
	if s.Directory == nil {
		return &gitindex.Directory{Flat: true}, &gitindex.JsonnetBuild{}
	}
	variables := func(given []argoCDVariable) []gitindex.JsonnetVariable {
		var made []gitindex.JsonnetVariable
		for _, v := range given {
			made = append(made, gitindex.JsonnetVariable{Name: v.Name, Value: env.expand(v.Value), Code: v.Code})
		}
		return made
	}
	jsonnet := &gitindex.JsonnetBuild{ExtVars: variables(s.Directory.Jsonnet.ExtVars), TLAs: variables(s.Directory.Jsonnet.TLAs)}
	for _, library := range s.Directory.Jsonnet.Libs {
		jsonnet.Libraries = append(jsonnet.Libraries, cmp.Or(path.Clean("/" + library)[1:], "."))
	}
	return &gitindex.Directory{Flat: !s.Directory.Recurse, Include: s.Directory.Include, Exclude: s.Directory.Exclude}, jsonnet
}

// kustomize leaves out which Kustomize is to run (version), and what it tells
// charts of the cluster (kubeVersion, apiVersions).
func (s argoCDSource) kustomize(env *argoCDEnvironment) (*gitindex.KustomizeBuild, error) {
	k := s.Kustomize
	if k == nil {
		return nil, nil
	}
	build := &gitindex.KustomizeBuild{
		NamePrefix:            k.NamePrefix,
		NameSuffix:            k.NameSuffix,
		Namespace:             k.Namespace,
		Annotations:           k.CommonAnnotations,
		Components:            k.Components,
		SkipMissingComponents: k.IgnoreMissingComponents,
	}
	if len(k.CommonLabels) > 0 {
		build.Labels = []gitindex.Labels{{
			Pairs:     env.expandAll(k.CommonLabels),
			Selectors: !k.LabelWithoutSelector,
			Templates: !k.LabelWithoutSelector || k.LabelIncludeTemplates,
		}}
	}
	if k.CommonAnnotationsEnvsubst {
		build.Annotations = env.expandAll(k.CommonAnnotations)
	}
	for _, image := range k.Images {
		build.Images = append(build.Images, env.expand(image))
	}
	for _, replicas := range k.Replicas {
		count := int64(replicas.Count.IntVal)
		if replicas.Count.Type == intstr.String {
			var err error
			if count, err = strconv.ParseInt(replicas.Count.StrVal, 10, 32); err != nil {
				return nil, fmt.Errorf("its replicas of %s aren't a number", replicas.Name)
			}
		}
		build.Replicas = append(build.Replicas, gitindex.Replicas{Name: replicas.Name, Count: count})
	}
	for _, p := range k.Patches {
		patch := gitindex.Patch{Patch: p.Patch, Path: p.Path, Options: p.Options}
		if t := p.Target; t != nil {
			patch.Target = &gitindex.PatchTarget{
				Group: t.Group, Version: t.Version, Kind: t.Kind, Name: t.Name, Namespace: t.Namespace,
				LabelSelector: t.LabelSelector, AnnotationSelector: t.AnnotationSelector,
			}
		}
		build.Patches = append(build.Patches, patch)
	}
	return build, nil
}
