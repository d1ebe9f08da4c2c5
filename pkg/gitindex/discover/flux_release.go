package discover

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/kustomize"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// release adds the source that a HelmRelease is.
func (f *fluxFinder) release(object *unstructured.Unstructured) {
	name := fmt.Sprintf("HelmRelease %s/%s", object.GetNamespace(), object.GetName())
	var release helmv2.HelmRelease
	if err := readFlux(object, &release); err != nil {
		f.add(gitindex.Source{Name: name}, &f.helm, account{}, err)
		return
	}
	if release.Spec.KubeConfig != nil {
		return
	}
	by := f.helm.impersonated(release.Namespace, release.Spec.ServiceAccountName)
	var recorded []gitindex.Recorded
	if inventory := release.Status.Inventory; inventory != nil {
		recorded = record(f, name, inventory.Entries, func(e helmv2.ResourceRef) (string, string) { return e.ID, e.Version })
	}
	chart, err := f.chart(&release)
	source := chart.source(name)
	source.Recorded = recorded
	if err != nil {
		f.add(source, &f.helm, by, err)
		return
	}
	if chart.fault != nil {
		f.problem(name, chart.fault)
	}
	location, err := f.releaseLocation(name, &release, chart, recorded)
	source.Locations = []gitindex.Location{location}
	f.add(source, &f.helm, by, err)
}

func (f *fluxFinder) releaseLocation(name string, release *helmv2.HelmRelease, chart fluxChart, recorded []gitindex.Recorded) (gitindex.Location, error) {
	namespace := release.GetReleaseNamespace()
	at := gitindex.Location{Path: chart.path, Namespace: namespace, Render: gitindex.Helm}
	helm := &gitindex.HelmBuild{
		ReleaseName: releaseName(release), Namespace: namespace,
		ValueFiles: chart.valueFiles, SkipMissingValueFiles: chart.skipMissing,
		SkipCRDs: skipsCRDs(&release.Spec), SkipSchema: skipsSchema(&release.Spec),
		// They are made on the way, and not kept as they are.
		SkipHooks: true, SkipTests: true,
	}
	at.Build = gitindex.Build{Helm: helm, Flux: chart.git, Excluded: chart.excluded, Marks: releaseMarks(release, helm.ReleaseName)}
	why := chart.why
	var err error
	if at.Build.Kustomize, err = postRenderer(release.Spec.PostRenderers); err != nil {
		why = err.Error()
		f.problem(name, err)
	}
	if why != "" {
		at.Render, at.Build.Why = gitindex.Unrendered, why
	}
	if at.Build.Ignores, err = releaseIgnores(&release.Spec, recorded); err != nil {
		f.problem(name, err)
	}
	helm.Values, helm.Concealed, err = f.values(release)
	return at, err
}

// releaseMarks are the labels of Flux, over those of the release, and what
// Helm itself adds.
func releaseMarks(release *helmv2.HelmRelease, name string) gitindex.Marks {
	marks := gitindex.Marks{
		Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"},
		Annotations: map[string]string{
			"meta.helm.sh/release-name":      name,
			"meta.helm.sh/release-namespace": release.GetReleaseNamespace(),
		},
	}
	own := maps.Clone(marks.Annotations)
	if common := release.Spec.CommonMetadata; common != nil {
		maps.Copy(marks.Labels, common.Labels)
		maps.Copy(marks.Annotations, common.Annotations)
	}
	marks.Labels[fluxHelmAPI+"/name"] = release.Name
	marks.Labels[fluxHelmAPI+"/namespace"] = release.Namespace
	marks.Labels["app.kubernetes.io/managed-by"] = "Helm"
	maps.Copy(marks.Annotations, own)
	return marks
}

// maxReleaseName is what Helm allows.
const maxReleaseName = 53

// releaseName ends a name that is too long in a part of its hash, as Flux does.
func releaseName(release *helmv2.HelmRelease) string {
	name := release.GetReleaseName()
	if len(name) <= maxReleaseName {
		return name
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	const digits = 12
	return name[:maxReleaseName-digits-1] + "-" + sum[:digits]
}

// skipsCRDs tells whether neither installing nor upgrading brings any.
func skipsCRDs(spec *helmv2.HelmReleaseSpec) bool {
	install := spec.Install != nil && (spec.Install.SkipCRDs || spec.Install.CRDs == helmv2.Skip)
	upgrade := spec.Upgrade != nil && (spec.Upgrade.CRDs == helmv2.Create || spec.Upgrade.CRDs == helmv2.CreateReplace)
	return install && !upgrade
}

func skipsSchema(spec *helmv2.HelmReleaseSpec) bool {
	return spec.Install != nil && spec.Install.DisableSchemaValidation && spec.Upgrade != nil && spec.Upgrade.DisableSchemaValidation
}

var errPostRenderers = errors.New("its post-renderers patch what an earlier one set the images of, which gitonly doesn't")

// postRenderer makes one of several that run in order. Each patches before it
// sets images.
func postRenderer(renderers []helmv2.PostRenderer) (*gitindex.KustomizeBuild, error) {
	var patches []kustomize.Patch
	var images []kustomize.Image
	for _, renderer := range renderers {
		k := renderer.Kustomize
		if k == nil {
			continue
		}
		if len(images) > 0 {
			return nil, errPostRenderers
		}
		patches = append(patches, k.Patches...)
		images = k.Images
	}
	if len(patches) == 0 && len(images) == 0 {
		return nil, nil
	}
	return &gitindex.KustomizeBuild{Patches: patchesOf(patches), Images: imagesOf(images)}, nil
}

func releaseIgnores(spec *helmv2.HelmReleaseSpec, recorded []gitindex.Recorded) ([]gitindex.FieldIgnore, error) {
	if spec.DriftDetection == nil {
		return nil, nil
	}
	rules := make([]fluxIgnore, len(spec.DriftDetection.Ignore))
	for i, rule := range spec.DriftDetection.Ignore {
		rules[i] = fluxIgnore{rule.Paths, rule.Target}
	}
	return ignoresOf(rules, recorded)
}

// fluxChart is a chart that a HelmRelease is of.
type fluxChart struct {
	fluxOrigin
	git         bool   // it is a folder of a Git repository
	path        string // of that folder
	valueFiles  []string
	skipMissing bool
}

// chart looks up where a release's chart is.
func (f *fluxFinder) chart(release *helmv2.HelmRelease) (fluxChart, error) {
	switch {
	case release.Spec.ChartRef != nil:
		ref := release.Spec.ChartRef
		namespace := cmp.Or(ref.Namespace, release.Namespace)
		if err := f.helm.allows(release.Namespace, namespace); err != nil {
			return fluxChart{}, err
		}
		return f.chartAt(ref.Kind, namespace, ref.Name)
	case release.Spec.Chart != nil:
		spec := release.Spec.Chart.Spec
		namespace := release.Spec.Chart.GetNamespace(release.Namespace)
		if err := f.helm.allows(release.Namespace, namespace); err != nil {
			return fluxChart{}, err
		}
		return f.chartIn(spec.SourceRef.Kind, namespace, spec.SourceRef.Name, sourcev1.HelmChartSpec{
			Chart: spec.Chart, Version: spec.Version, ValuesFiles: spec.ValuesFiles, IgnoreMissingValuesFiles: spec.IgnoreMissingValuesFiles,
		})
	}
	return fluxChart{}, errors.New("it has neither spec.chart nor spec.chartRef: give it one of them")
}

// chartAt is what a reference to a chart itself means.
func (f *fluxFinder) chartAt(kind, namespace, name string) (fluxChart, error) {
	switch kind {
	case sourcev1.HelmChartKind:
		var chart sourcev1.HelmChart
		if err := f.get(kind, namespace, name, &chart); err != nil {
			return fluxChart{}, err
		}
		return f.chartIn(chart.Spec.SourceRef.Kind, namespace, chart.Spec.SourceRef.Name, chart.Spec)
	case sourcev1.OCIRepositoryKind:
		var oci sourcev1.OCIRepository
		if err := f.get(kind, namespace, name, &oci); err != nil {
			return fluxChart{}, err
		}
		return chartOf(&oci), nil
	}
	origin, err := f.origin(kind, namespace, name)
	return fluxChart{fluxOrigin: origin, path: "."}, err
}

// chartIn is a chart in a repository.
func (f *fluxFinder) chartIn(kind, namespace, name string, spec sourcev1.HelmChartSpec) (fluxChart, error) {
	if kind != sourcev1.HelmRepositoryKind {
		origin, err := f.origin(kind, namespace, name)
		chart := fluxChart{fluxOrigin: origin, path: cleaned(spec.Chart), git: kind == sourcev1.GitRepositoryKind, skipMissing: spec.IgnoreMissingValuesFiles}
		if !origin.holds(chart.path) {
			chart.lacks(fmt.Errorf("%s is more than the folders that its GitRepository has files of", chart.path))
		}
		chart.valuesFrom(spec.ValuesFiles, path.Join(chart.path, "values.yaml"), "/")
		return chart, err
	}
	var repository sourcev1.HelmRepository
	if err := f.get(kind, namespace, name, &repository); err != nil {
		return fluxChart{}, err
	}
	chart := fluxChart{path: ".", skipMissing: spec.IgnoreMissingValuesFiles}
	chart.interval = repository.Spec.Interval.Duration
	chart.repository = gitindex.Repository{
		URL: repository.Spec.URL, Chart: spec.Chart,
		Ref:    gitindex.Ref{SemVer: cmp.Or(spec.Version, "*")},
		Secret: secretOf(namespace, repository.Spec.SecretRef),
	}
	if provider := cmp.Or(repository.Spec.Provider, sourcev1.GenericOCIProvider); provider != sourcev1.GenericOCIProvider {
		chart.lacks(fmt.Errorf("HelmRepository %s/%s is read with the credentials of %s, which gitonly doesn't use", namespace, name, provider))
	}
	chart.valuesFrom(spec.ValuesFiles, "values.yaml", "")
	return chart, nil
}

var errOwnValues = errors.New("its chart is made with spec.valuesFiles that leave the chart's own values.yaml out, which gitonly doesn't")

// valuesFrom takes files that stand in for a chart's own values: that is the
// same as further files, if the first of them is those.
func (c *fluxChart) valuesFrom(files []string, own, root string) {
	if len(files) == 0 {
		return
	}
	if cleaned(files[0]) != own {
		c.lacks(errOwnValues)
		return
	}
	for _, file := range files[1:] {
		c.valueFiles = append(c.valueFiles, root+cleaned(file))
	}
}

// chartOf is a chart that is an artifact of a registry. Its repository and its
// name are the two parts of the address.
func chartOf(oci *sourcev1.OCIRepository) fluxChart {
	dir, base := path.Split(oci.Spec.URL)
	chart := fluxChart{path: "."}
	chart.interval = oci.Spec.Interval.Duration
	chart.repository = gitindex.Repository{
		URL: dir[:max(0, len(dir)-1)], Chart: base,
		Secret: secretOf(oci.Namespace, oci.Spec.SecretRef),
	}
	of := fmt.Sprintf("OCIRepository %s/%s", oci.Namespace, oci.Name)
	ref := oci.Spec.Reference
	switch provider := cmp.Or(oci.Spec.Provider, sourcev1.GenericOCIProvider); {
	case provider != sourcev1.GenericOCIProvider:
		chart.lacks(fmt.Errorf("%s is read with the credentials of %s, which gitonly doesn't use", of, provider))
	case ref == nil || ref.Digest != "" || ref.SemverFilter != "" || ref.SemVer == "" && !isVersion(ref.Tag):
		chart.lacks(fmt.Errorf("%s names no version of the chart, nor a range of them, which is all that gitonly follows", of))
	default:
		chart.repository.Ref.SemVer = cmp.Or(ref.SemVer, ref.Tag)
	}
	return chart
}
