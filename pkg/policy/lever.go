package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// levers are the kinds that tell a sync agent what to apply, by API group.
func levers(group string) []string {
	switch group {
	case "argoproj.io":
		return []string{"Application", "ApplicationSet", "AppProject"}
	case "kustomize.toolkit.fluxcd.io":
		return []string{"Kustomization"}
	case "helm.toolkit.fluxcd.io":
		return []string{"HelmRelease"}
	case "source.toolkit.fluxcd.io":
		return []string{"Bucket", "ExternalArtifact", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository"}
	case "source.extensions.fluxcd.io":
		return []string{"ArtifactGenerator"}
	case "fluxcd.controlplane.io":
		return []string{"FluxInstance", "ResourceSet", "ResourceSetInputProvider"}
	}
	return nil
}

const (
	argoSecretType = "argocd.argoproj.io/secret-type" // of repositories, their credentials, and clusters
	partOf         = "app.kubernetes.io/part-of"
)

// isLever reports whether an object tells the agent what to do: by its kind, or
// as a part of Argo CD's own configuration.
func (c *decision) isLever() bool {
	key := c.req.Key
	if slices.Contains(levers(key.Group), key.Kind) {
		return true
	}
	if key.Group != "" {
		return false
	}
	switch key.Kind {
	case "Secret":
		return c.labelled(func(labels map[string]string) bool { return labels[argoSecretType] != "" })
	case "ConfigMap":
		return strings.HasPrefix(key.Name, "argocd-") &&
			c.labelled(func(labels map[string]string) bool { return labels[partOf] == "argocd" })
	}
	return false
}

// labelled reports whether the labels before or after the request are such.
func (c *decision) labelled(such func(map[string]string) bool) bool {
	return slices.ContainsFunc([][]byte{c.req.OldObject, c.req.Object}, func(object []byte) bool {
		var m metadata
		return len(object) > 0 && json.Unmarshal(object, &m) == nil && such(m.Metadata.Labels)
	})
}

// lever decides for what steers the agent; ok is false for anything else. Only
// people are kept from it: agents have servers and operators of their own.
func (c *decision) lever(g *Guard, actor Actor) (v Verdict, ok bool) {
	if actor != Person || !c.isLever() {
		return Verdict{}, false
	}
	return c.steers(g), true
}

func (c *decision) steers(g *Guard) Verdict {
	v := Verdict{Reason: AgentLeverChanged}
	switch {
	case c.operation == Update:
		return c.whatChanges(g, v)
	case c.operation == Delete && c.beingDeleted():
		return Verdict{Outcome: Allow, Reason: BeingDeleted}
	}
	return v
}

// isOwn reports whether the object is gitonly's configuration.
func isOwn(key gitindex.Key) bool {
	group := v1alpha1.GroupVersion.Group
	return key.Group == group || (isDefinition(key) && strings.HasSuffix(key.Name, "."+group))
}

// own decides for gitonly's own configuration where Git doesn't declare it. It
// guards itself, from service accounts too, but only while Git is there to
// change it: nobody could repair a wrong source otherwise. A status is what
// gitonly itself writes, as a service account.
func (c *decision) own(g *Guard, actor Actor) Verdict {
	upgrade := isDefinition(c.req.Key) && c.operation != Delete
	status := actor == ServiceAccount && c.part == fields.Status
	if status || !c.loadedAnything() || c.neverLoaded() || upgrade {
		return Verdict{Outcome: Allow, Reason: UndeclaredObjectChanged}
	}
	return c.steers(g)
}

func (c *decision) loadedAnything() bool {
	return slices.ContainsFunc(c.snap.Sources(), func(s gitindex.SourceState) bool { return s.Loaded() })
}

// neverLoaded reports whether the object is a source that Git never came from.
// One that isn't there yet is no such source.
func (c *decision) neverLoaded() bool {
	if c.req.Key.Kind != v1alpha1.GitSourceKind || c.req.Operation == Create {
		return false
	}
	state := c.snap.Source(c.req.Key.Name)
	return state == nil || !state.Loaded()
}
