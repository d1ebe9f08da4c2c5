package discover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// settings is Argo CD's main ConfigMap.
func settings(data string) string {
	return "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata:\n" + data
}

func TestMarksAreByTheTrackingMethod(t *testing.T) {
	long := strings.Repeat("a", 62) + "-b"
	for _, test := range []struct {
		name, data, application string
		want                    gitindex.Marks
	}{
		{"nothing said", "  a: b", "guestbook",
			gitindex.Marks{TrackingAnnotation: "argocd.argoproj.io/tracking-id", TrackingApplication: "guestbook"}},
		{"an installation", "  installationID: eu", "guestbook",
			gitindex.Marks{TrackingAnnotation: "argocd.argoproj.io/tracking-id", TrackingApplication: "guestbook",
				Annotations: map[string]string{"argocd.argoproj.io/installation-id": "eu"}}},
		{"a label", "  application.resourceTrackingMethod: label\n  installationID: eu", long,
			gitindex.Marks{Labels: map[string]string{"app.kubernetes.io/instance": long}}},
		{"both, with a label of one's own", "  application.resourceTrackingMethod: annotation+label\n  application.instanceLabelKey: example.com/app", long,
			gitindex.Marks{TrackingAnnotation: "argocd.argoproj.io/tracking-id", TrackingApplication: long,
				Labels: map[string]string{"example.com/app": strings.Repeat("a", 62)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			document := strings.Replace(application("  source: {repoURL: u, path: p}"), "name: guestbook", "name: "+test.application, 1)
			found := find(t, argoCDWith(t, document+settings(test.data)))
			test.want.SkipDefinitions = true
			if diff := cmp.Diff(test.want, found.Sources[0].Locations[0].Build.Marks); diff != "" {
				t.Errorf("marks differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplicationsInOtherNamespaces(t *testing.T) {
	const documents = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: guestbook, namespace: team-a}
spec:
  project: teams
  destination: {name: in-cluster, namespace: web}
  source: {repoURL: u, path: p}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: teams, namespace: argocd}
spec:
  sourceRepos: ['*']
  sourceNamespaces: ['PERMITTED']
  destinations: [{name: in-cluster, namespace: '*'}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cmd-params-cm, namespace: argocd}
data: {application.namespaces: 'WATCHED'}
`
	for _, test := range []struct{ name, watched, permitted, problem string }{
		{"a pattern", "other, team-*", "team-a", ""},
		{"a regular expression", "/^team-.$/", "/team-[ab]/", ""},
		{"not permitted", "team-*", "team-b",
			"Application team-a/guestbook: not applied by Argo CD: AppProject teams permits no Applications in namespace team-a (sourceNamespaces)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, strings.NewReplacer("WATCHED", test.watched, "PERMITTED", test.permitted).Replace(documents)))
			if got := problems(found); got != test.problem {
				t.Errorf("problems are %q, want %q", got, test.problem)
			}
			if test.problem != "" {
				if len(found.Sources) > 0 {
					t.Errorf("found %+v", found.Sources)
				}
				return
			}
			if got := found.Sources[0]; got.Name != "Application team-a/guestbook" || got.Locations[0].Build.Marks.TrackingApplication != "team-a_guestbook" {
				t.Errorf("found %+v", got)
			}
		})
	}
	t.Run("not watched", func(t *testing.T) {
		found := find(t, argoCDWith(t, strings.NewReplacer("WATCHED", "team-b", "PERMITTED", "*").Replace(documents)))
		if len(found.Sources) > 0 || len(found.Problems) > 0 {
			t.Errorf("found %+v", found)
		}
	})
}

func TestFieldsThatArgoCDDoesNotCompare(t *testing.T) {
	status := gitindex.FieldIgnore{Group: "*", Kind: "*", Pointers: []string{"/status"}}
	for _, test := range []struct {
		name, spec, data string
		want             []gitindex.FieldIgnore
		problem          string
	}{
		{
			name: "those of the Application",
			spec: `
  ignoreDifferences:
  - {group: apps, kind: Deployment, name: web, namespace: web, jsonPointers: [/spec/replicas]}
  - {group: '*', kind: '*', managedFieldsManagers: [kube-controller-manager]}
  - {kind: ConfigMap, jqPathExpressions: ['.data | .["a"]']}
  - {kind: Secret}`,
			want: []gitindex.FieldIgnore{status,
				{Group: "apps", Kind: "Deployment", Name: "web", Namespace: "web", Pointers: []string{"/spec/replicas"}},
				{Group: "*", Kind: "*", Managers: []string{"kube-controller-manager"}},
				{Kind: "ConfigMap", JQ: []string{`.data | .["a"]`}},
			},
		},
		{
			name: "those of all Applications",
			data: `
  resource.customizations.ignoreDifferences.all: 'managedFieldsManagers: [m]'
  resource.customizations.ignoreDifferences.apps_Deployment: 'jsonPointers: [/spec/replicas]'
  resource.customizations.ignoreDifferences.ConfigMap: 'jqPathExpressions: [.data.a]'
  resource.customizations.health.apps_Deployment: 'return {}'
  resource.customizations: |
    apps/Deployment: {ignoreDifferences: "jsonPointers: [/spec/paused]"}
    apps/StatefulSet: {ignoreDifferences: "jsonPointers: [/spec/paused]"}
    batch/Job: {health.lua: "return {}"}`,
			want: []gitindex.FieldIgnore{
				{Group: "*", Kind: "*", Managers: []string{"m"}},
				{Kind: "ConfigMap", JQ: []string{".data.a"}},
				{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/replicas"}},
				{Group: "apps", Kind: "StatefulSet", Pointers: []string{"/spec/paused"}},
				status,
			},
		},
		{name: "status counts", data: "  resource.compareoptions: 'ignoreResourceStatusField: off'"},
		{name: "status counts, in words", data: "  resource.compareoptions: 'ignoreResourceStatusField: none'"},
		{
			name: "status of definitions, and aggregated roles", data: "  resource.compareoptions: '{ignoreResourceStatusField: crd, ignoreAggregatedRoles: true}'",
			want: []gitindex.FieldIgnore{
				{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", JQ: []string{"select(.aggregationRule != null) | .rules"}},
				{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Pointers: []string{"/status"}},
			},
		},
		{
			name: "a setting that is no YAML", data: "  resource.customizations.ignoreDifferences.apps_Deployment: '['", want: []gitindex.FieldIgnore{status},
			problem: "ConfigMap argocd/argocd-cm: resource.customizations.ignoreDifferences.apps_Deployment is not read: error converting YAML to JSON: yaml: line 1: did not find expected node content",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := test.data
			if data == "" {
				data = "  a: b"
			}
			found := find(t, argoCDWith(t, application("  source: {repoURL: u, path: p}\n"+test.spec)+settings(data)))
			if diff := cmp.Diff(test.want, found.Sources[0].Locations[0].Build.Ignores); diff != "" {
				t.Errorf("ignores differ (-want +got):\n%s", diff)
			}
			if got := problems(found); got != test.problem {
				t.Errorf("problems are %q, want %q", got, test.problem)
			}
		})
	}
}

func TestTheIntervalIsArgoCDs(t *testing.T) {
	for data, want := range map[string]time.Duration{
		"  timeout.reconciliation: 180s": 3 * time.Minute,
		"  timeout.reconciliation: '0'":  2 * time.Minute, // it waits for webhooks
		"  timeout.reconciliation: soon": 2 * time.Minute,
	} {
		found := find(t, argoCDWith(t, application("  source: {repoURL: u, path: p}")+settings(data)))
		if got := found.Sources[0].Interval; got != want {
			t.Errorf("%s: the interval is %s, want %s", data, got, want)
		}
	}
}
