package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// sources are what an Application is made of: the branch that it is hydrated
// to, or the list, or the one.
func (app *argoCDApplication) sources() []argoCDSource {
	switch spec := &app.Spec; {
	case spec.SourceHydrator != nil:
		h := spec.SourceHydrator
		at := h.SyncSource.RepoURL
		if at == "" {
			at = h.DrySource.RepoURL
		}
		return []argoCDSource{{RepoURL: at, Path: h.SyncSource.Path, TargetRevision: h.SyncSource.TargetBranch}}
	case len(spec.Sources) > 0:
		return spec.Sources
	case spec.Source != nil:
		return []argoCDSource{*spec.Source}
	}
	return nil
}

// onlyRef reports whether a source is there for others to read files of.
func (s argoCDSource) onlyRef() bool { return s.Ref != "" && s.Path == "" && s.Chart == "" }

// sources makes sources of an Application's, those that are only referred to
// left out.
func (f *argoCDFinder) sources(name string, app *argoCDApplication) []gitindex.Source {
	all := app.sources()
	rendered := slices.DeleteFunc(slices.Clone(all), argoCDSource.onlyRef)
	if len(rendered) == 0 {
		f.problem(name, errors.New("none of its sources has a path or a chart"))
	}
	recorded := app.recorded()
	b := newArgoCDBuilder(app, f.instance(app), f.settings)
	b.added = app.managedNamespace()
	var sources []gitindex.Source
	for i, from := range all {
		if from.onlyRef() {
			continue
		}
		source := gitindex.Source{
			Name:       name,
			Repository: f.repository(from, app.Spec.Project),
			Interval:   f.settings.interval,
			Recorded:   recorded,
		}
		if len(rendered) > 1 {
			source.Name = fmt.Sprintf("%s[%s]", name, sourceLabel(all, i))
		}
		location, err := b.location(from)
		if err == nil && location.Render == gitindex.Auto && app.foundPlugin(i) {
			location = b.unrendered(from, "a config management plugin, which Argo CD chose by itself")
		}
		if source.Repository.Chart == "" && err == nil {
			source.Repository.Verify, err = f.verification(from.RepoURL, app.Spec.Project)
		}
		if err != nil {
			f.problem(source.Name, err)
			location = b.unrendered(from, err.Error())
		}
		source.Locations = []gitindex.Location{location}
		source.References = f.references(from, all, app.Spec.Project)
		sources = append(sources, source)
		b.added = nil // once is enough
	}
	return sources
}

// foundPlugin reports whether Argo CD renders the source of this position by a
// plugin that nobody names: only its own record tells.
func (app *argoCDApplication) foundPlugin(i int) bool {
	const plugin = "Plugin"
	if types := app.Status.SourceTypes; len(types) > 0 {
		return len(types) == len(app.Spec.Sources) && types[i] == plugin
	}
	return app.Status.SourceType == plugin
}

// sourceLabel tells one of several sources from the others: by its name, if no other
// has it, else by its position.
func sourceLabel(all []argoCDSource, i int) string {
	same := 0
	for _, other := range all {
		if other.Name == all[i].Name {
			same++
		}
	}
	if all[i].Name == "" || same > 1 || strings.Trim(all[i].Name, "0123456789") == "" {
		return fmt.Sprint(i)
	}
	return all[i].Name
}

// references are the repositories that a source's values come from.
func (f *argoCDFinder) references(from argoCDSource, all []argoCDSource, project string) map[string]gitindex.Repository {
	if from.Helm == nil {
		return nil
	}
	names := slices.Clone(from.Helm.ValueFiles)
	for _, file := range from.Helm.FileParameters {
		names = append(names, file.Path)
	}
	var references map[string]gitindex.Repository
	for _, other := range all {
		key := "$" + other.Ref
		if other.Ref == "" || !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, key+"/") }) {
			continue
		}
		if references == nil {
			references = map[string]gitindex.Repository{}
		}
		references[key] = f.repository(other, project)
	}
	return references
}

// instance is the name that Argo CD has for an Application among those of all
// namespaces.
func (f *argoCDFinder) instance(app *argoCDApplication) string {
	if app.Metadata.Namespace == f.Namespace {
		return app.Metadata.Name
	}
	return app.Metadata.Namespace + "_" + app.Metadata.Name
}

// managedNamespace is the Namespace whose labels and annotations an Application
// keeps. One that is only created where it is missing isn't kept in any way, so
// it isn't declared.
func (app *argoCDApplication) managedNamespace() []string {
	policy, namespace := app.Spec.SyncPolicy, app.Spec.Destination.Namespace
	if policy.ManagedNamespaceMetadata == nil || namespace == "" || !slices.Contains(policy.SyncOptions, "CreateNamespace=true") {
		return nil
	}
	metadata := map[string]any{"name": namespace}
	if labels := policy.ManagedNamespaceMetadata.Labels; len(labels) > 0 {
		metadata["labels"] = labels
	}
	annotations := map[string]string{"argocd.argoproj.io/sync-options": "ServerSideApply=true"}
	for key, value := range policy.ManagedNamespaceMetadata.Annotations {
		if _, set := annotations[key]; !set {
			annotations[key] = value
		}
	}
	metadata["annotations"] = annotations
	// Only text in maps: this can't go wrong.
	encoded, _ := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
	return []string{string(encoded)}
}

// cleanPath is a source's path as a location has it.
func cleanPath(s argoCDSource) (string, error) {
	if s.Path == "" && s.Chart == "" && !strings.HasPrefix(s.RepoURL, "oci://") {
		return "", errors.New("it has neither a path nor a chart")
	}
	at := path.Clean("/" + s.Path)[1:]
	switch {
	case strings.HasPrefix(s.Path, "/") || strings.HasPrefix(path.Clean(s.Path), ".."):
		return "", fmt.Errorf("its path %s is outside of the repository", s.Path)
	case at == "" || s.Chart != "":
		return ".", nil
	}
	return at, nil
}
