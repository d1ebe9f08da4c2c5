package discover

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// kustomization adds the source that a Kustomization is.
func (f *fluxFinder) kustomization(object *unstructured.Unstructured) {
	name := fmt.Sprintf("Kustomization %s/%s", object.GetNamespace(), object.GetName())
	var k kustomizev1.Kustomization
	if err := readFlux(object, &k); err != nil {
		f.add(gitindex.Source{Name: name}, &f.kustomize, account{}, err)
		return
	}
	if k.Spec.KubeConfig != nil {
		return
	}
	by := f.kustomize.impersonated(k.Namespace, k.Spec.ServiceAccountName)
	var entries []kustomizev1.ResourceRef
	if k.Status.Inventory != nil {
		entries = k.Status.Inventory.Entries
	}
	recorded := record(f, name, entries, func(e kustomizev1.ResourceRef) (string, string) { return e.ID, e.Version })

	from := cmp.Or(k.Spec.SourceRef.Namespace, k.Namespace)
	origin, err := f.origin(k.Spec.SourceRef.Kind, from, k.Spec.SourceRef.Name)
	err = cmp.Or(f.kustomize.allows(k.Namespace, from), err)
	source := origin.source(name)
	source.Recorded = recorded
	if err != nil {
		f.add(source, &f.kustomize, by, err)
		return
	}
	location, err := f.kustomizationLocation(name, &k, origin, recorded)
	source.Locations = []gitindex.Location{location}
	f.add(source, &f.kustomize, by, err)
}

func (f *fluxFinder) kustomizationLocation(name string, k *kustomizev1.Kustomization, origin fluxOrigin, recorded []gitindex.Recorded) (gitindex.Location, error) {
	at := gitindex.Location{Path: cleaned(k.Spec.Path), Render: gitindex.Kustomize}
	at.Build = gitindex.Build{
		Flux:     true,
		Excluded: origin.excluded,
		Kustomize: &gitindex.KustomizeBuild{
			NamePrefix: k.Spec.NamePrefix, NameSuffix: k.Spec.NameSuffix, Namespace: k.Spec.TargetNamespace,
			Images: imagesOf(k.Spec.Images), Patches: patchesOf(k.Spec.Patches),
			Components: k.Spec.Components, SkipMissingComponents: k.Spec.IgnoreMissingComponents,
		},
		Marks: gitindex.Marks{Labels: map[string]string{
			fluxKustomizeAPI + "/name": k.Name, fluxKustomizeAPI + "/namespace": k.Namespace,
		}},
	}
	for _, option := range k.Spec.BuildMetadata {
		at.Build.Kustomize.BuildMetadata = append(at.Build.Kustomize.BuildMetadata, string(option))
	}
	if common := k.Spec.CommonMetadata; common != nil {
		maps.Copy(at.Build.Marks.Labels, common.Labels)
		at.Build.Marks.Annotations = common.Annotations
	}
	if !origin.holds(at.Path) {
		origin.lacks(fmt.Errorf("%s is more than the folders that its GitRepository has files of", at.Path))
	}
	if origin.fault != nil {
		f.problem(name, origin.fault)
	}
	if origin.why != "" {
		at.Render, at.Build.Why = gitindex.Unrendered, origin.why
	}
	rules := make([]fluxIgnore, len(k.Spec.Ignore))
	for i, rule := range k.Spec.Ignore {
		rules[i] = fluxIgnore{rule.Paths, rule.Target}
	}
	ignores, err := ignoresOf(rules, recorded)
	if err != nil {
		f.problem(name, err)
	}
	at.Build.Ignores = ignores
	at.Build.Decryption = f.decryption(k)
	at.Build.Substitute, err = f.substitution(k)
	return at, err
}

func patchesOf(patches []kustomize.Patch) []gitindex.Patch {
	var all []gitindex.Patch
	for _, p := range patches {
		patch := gitindex.Patch{Patch: p.Patch}
		if t := p.Target; t != nil {
			patch.Target = &gitindex.PatchTarget{
				Group: t.Group, Version: t.Version, Kind: t.Kind, Name: t.Name, Namespace: t.Namespace,
				LabelSelector: t.LabelSelector, AnnotationSelector: t.AnnotationSelector,
			}
		}
		all = append(all, patch)
	}
	return all
}

func imagesOf(images []kustomize.Image) []string {
	var all []string
	for _, image := range images {
		text := image.Name
		for _, part := range []struct{ sign, value string }{{"=", image.NewName}, {":", image.NewTag}, {"@", image.Digest}} {
			if part.value != "" {
				text += part.sign + part.value
			}
		}
		if text != image.Name {
			all = append(all, text)
		}
	}
	return all
}

// substitution collects the variables of a Kustomization: what it says itself
// comes before what it refers to, of which the last comes first.
func (f *fluxFinder) substitution(k *kustomizev1.Kustomization) (*gitindex.Substitution, error) {
	post := k.Spec.PostBuild
	if post == nil {
		return nil, nil
	}
	s := &gitindex.Substitution{
		Values: map[string]string{}, Strict: f.kustomize.strict,
		OptOut: fluxKustomizeAPI + "/substitute", Disable: kustomizev1.DisabledValue,
	}
	secret := map[string]bool{}
	var missing []error
	for _, ref := range post.SubstituteFrom {
		data, err := f.cluster.Data(f.ctx, ref.Kind, k.Namespace, ref.Name)
		if apierrors.IsNotFound(err) && ref.Optional {
			continue
		}
		if err != nil {
			missing = append(missing, fmt.Errorf("spec.postBuild.substituteFrom names %s %s: %w", ref.Kind, ref.Name, err))
			continue
		}
		for name, value := range data {
			s.Values[name] = string(value)
			secret[name] = ref.Kind == "Secret"
		}
	}
	for name, value := range post.Substitute {
		s.Values[name] = value
		secret[name] = false
	}
	for _, name := range slices.Sorted(maps.Keys(secret)) {
		if secret[name] {
			s.Secret = append(s.Secret, name)
		}
	}
	if len(s.Values) == 0 && k.GetSubstituteStrategy() != kustomizev1.SubstituteStrategyAlways {
		s = nil
	}
	return s, errors.Join(missing...)
}
