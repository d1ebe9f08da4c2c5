package discover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// argoCDSettings are what Argo CD's ConfigMaps say of all Applications.
type argoCDSettings struct {
	namespaces    []string // patterns of those with Applications, beside its own
	interval      time.Duration
	impersonation bool
	enforced      bool // a source without an account to impersonate isn't applied
	tracking      string
	labelKey      string
	installation  string
	ignores       []gitindex.FieldIgnore
	problems      []Problem
}

// Of how Argo CD tells its objects from others'.
const (
	trackingLabel    = "label"
	trackingBoth     = "annotation+label"
	trackingID       = "argocd.argoproj.io/tracking-id"
	installationID   = "argocd.argoproj.io/installation-id"
	customizations   = "resource.customizations"
	defaultReconcile = 2 * time.Minute
)

// settings reads the ConfigMaps. One that isn't there leaves the defaults.
func (a ArgoCD) settings(ctx context.Context, cluster Cluster) (argoCDSettings, error) {
	main, err := a.configMap(ctx, cluster, "argocd-cm")
	if err != nil {
		return argoCDSettings{}, err
	}
	params, err := a.configMap(ctx, cluster, "argocd-cmd-params-cm")
	if err != nil {
		return argoCDSettings{}, err
	}
	s := argoCDSettings{
		interval:      defaultReconcile,
		impersonation: main["application.sync.impersonation.enabled"] == "true",
		enforced:      main["application.sync.impersonation.enforced"] != "false",
		tracking:      main["application.resourceTrackingMethod"],
		labelKey:      cmp.Or(main["application.instanceLabelKey"], "app.kubernetes.io/instance"),
		installation:  main["installationID"],
	}
	if interval, err := time.ParseDuration(main["timeout.reconciliation"]); err == nil && interval > 0 {
		s.interval = interval
	}
	for namespace := range strings.SplitSeq(params["application.namespaces"], ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			s.namespaces = append(s.namespaces, namespace)
		}
	}
	var faults []error
	s.ignores, faults = systemIgnores(main)
	for _, fault := range faults {
		s.problems = append(s.problems, Problem{Object: fmt.Sprintf("ConfigMap %s/argocd-cm", a.Namespace), Err: fault})
	}
	return s, nil
}

func (a ArgoCD) configMap(ctx context.Context, cluster Cluster, name string) (map[string]string, error) {
	data, err := cluster.Data(ctx, "ConfigMap", a.Namespace, name)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading ConfigMap %s/%s of Argo CD: %w", a.Namespace, name, err)
	}
	text := make(map[string]string, len(data))
	for key, value := range data {
		text[key] = string(value)
	}
	return text, nil
}

// watches reports whether Applications in a namespace count.
func (s argoCDSettings) watches(own, namespace string) bool {
	return namespace == own || slices.ContainsFunc(s.namespaces, func(pattern string) bool { return namespaceMatches(pattern, namespace) })
}

// namespaceMatches takes a glob pattern, or a regular expression between
// slashes.
func namespaceMatches(pattern, namespace string) bool {
	if len(pattern) > 2 && strings.HasPrefix(pattern, "/") && strings.HasSuffix(pattern, "/") {
		expression, err := regexp.Compile(pattern[1 : len(pattern)-1])
		if err == nil && expression.MatchString(namespace) {
			return true
		}
	}
	return globMatches(pattern, namespace)
}

// globMatches lets * stand for anything but the separators, if there are any.
// It decides by Argo CD's own library, as that has its ways: a*a matches a.
func globMatches(pattern, text string, separators ...rune) (matches bool) {
	defer func() {
		if recover() != nil { // as it does for a{}
			matches = false
		}
	}()
	compiled, err := glob.Compile(pattern, separators...)
	return err == nil && compiled.Match(text)
}

// systemIgnores are the fields that Argo CD compares of no Application.
func systemIgnores(main map[string]string) ([]gitindex.FieldIgnore, []error) {
	byKind := map[string]argoCDIgnore{}
	var faults []error
	read := func(key, kind, text string) {
		var ignore argoCDIgnore
		if err := yaml.Unmarshal([]byte(text), &ignore); err != nil {
			faults = append(faults, fmt.Errorf("%s is not read: %w", key, err))
			return
		}
		byKind[kind] = ignore
	}
	if all := main[customizations]; all != "" {
		var kinds map[string]struct {
			IgnoreDifferences string `json:"ignoreDifferences"`
		}
		if err := yaml.Unmarshal([]byte(all), &kinds); err != nil {
			faults = append(faults, fmt.Errorf("%s is not read: %w", customizations, err))
		}
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			read(customizations, kind, kinds[kind].IgnoreDifferences)
		}
	}
	// A key of its own goes before what that one says of a kind.
	for _, key := range slices.Sorted(maps.Keys(main)) {
		kind, ok := strings.CutPrefix(key, customizations+".ignoreDifferences.")
		switch {
		case !ok:
		case kind == "all":
			read(key, "*/*", main[key])
		case strings.Count(kind, "_") > 1:
			faults = append(faults, fmt.Errorf("%s is not read: name a kind as <group>_<kind>", key))
		default:
			read(key, strings.Replace(kind, "_", "/", 1), main[key])
		}
	}

	var ignores []gitindex.FieldIgnore
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		ignore := byKind[kind]
		ignore.Group, ignore.Kind = "", kind
		if group, of, grouped := strings.Cut(kind, "/"); grouped {
			ignore.Group, ignore.Kind = group, of
		}
		ignore.Name, ignore.Namespace = "", ""
		if found, ok := ignore.fields(); ok {
			ignores = append(ignores, found)
		}
	}
	compared, err := comparedIgnores(main["resource.compareoptions"])
	if err != nil {
		faults = append(faults, err)
	}
	return append(ignores, compared...), faults
}

// comparedIgnores are what resource.compareoptions leaves out: everything's
// status, where it says nothing else.
func comparedIgnores(text string) ([]gitindex.FieldIgnore, error) {
	var options struct {
		IgnoreAggregatedRoles bool `json:"ignoreAggregatedRoles"`
		// Not text, as off is a boolean in YAML.
		IgnoreResourceStatusField any `json:"ignoreResourceStatusField"`
	}
	err := yaml.Unmarshal([]byte(text), &options)
	if err != nil {
		err = fmt.Errorf("resource.compareoptions is not read: %w", err)
	}
	var ignores []gitindex.FieldIgnore
	if options.IgnoreAggregatedRoles {
		ignores = append(ignores, gitindex.FieldIgnore{
			Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", JQ: []string{"select(.aggregationRule != null) | .rules"},
		})
	}
	status := gitindex.FieldIgnore{Group: "*", Kind: "*", Pointers: []string{"/status"}}
	switch options.IgnoreResourceStatusField {
	case "none", "off", "false", false:
	case "crd":
		status.Group, status.Kind = "apiextensions.k8s.io", "CustomResourceDefinition"
		ignores = append(ignores, status)
	default:
		ignores = append(ignores, status)
	}
	return ignores, err
}

// fields is what an entry of ignoreDifferences says; nothing if it names no
// fields.
func (i argoCDIgnore) fields() (gitindex.FieldIgnore, bool) {
	return gitindex.FieldIgnore{
		Group: i.Group, Kind: i.Kind, Namespace: i.Namespace, Name: i.Name,
		Pointers: i.JSONPointers, JQ: i.JQPathExpressions, Managers: i.ManagedFieldsManagers,
	}, len(i.JSONPointers)+len(i.JQPathExpressions)+len(i.ManagedFieldsManagers) > 0
}

// marks are what Argo CD adds to the objects of an Application.
func (s argoCDSettings) marks(instance string) gitindex.Marks {
	marks := gitindex.Marks{SkipDefinitions: true}
	if s.tracking == trackingLabel {
		marks.Labels = map[string]string{s.labelKey: instance}
		return marks
	}
	marks.TrackingAnnotation, marks.TrackingApplication = trackingID, instance
	if s.installation != "" {
		marks.Annotations = map[string]string{installationID: s.installation}
	}
	if s.tracking == trackingBoth {
		marks.Labels = map[string]string{s.labelKey: labelValue(instance)}
	}
	return marks
}

// labelValue cuts text to what fits in a label, ending in a letter or digit.
func labelValue(text string) string {
	const most = 63
	if len(text) <= most {
		return text
	}
	return strings.TrimRight(text[:most], "-_.")
}
