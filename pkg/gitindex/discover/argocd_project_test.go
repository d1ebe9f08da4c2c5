package discover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// inProject is an Application in a project of its own.
func inProject(project string) string {
	return application("  project: web\n  source: {repoURL: https://git.example.com/org/infra.git, path: p}\n") + `
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: web, namespace: argocd}
spec:
` + project
}

func TestWhatAProjectDoesNotPermitIsNotApplied(t *testing.T) {
	const (
		anywhere   = "\n  destinations: [{server: '*', namespace: '*'}]"
		repository = "Application argocd/guestbook: not applied by Argo CD: AppProject web doesn't permit one of its repositories (sourceRepos)"
		place      = "Application argocd/guestbook: not applied by Argo CD: AppProject web doesn't permit its destination (destinations)"
	)
	for _, test := range []struct{ name, project, want string }{
		{"its repository", "  sourceRepos: [https://git.example.com/org/infra]" + anywhere, ""},
		{"a pattern of its organisation", "  sourceRepos: ['https://GIT.example.com/org/*']" + anywhere, ""},
		{"all but another", "  sourceRepos: ['!https://git.example.com/org/secret']" + anywhere, ""},
		{"no repository", "  sourceRepos: []" + anywhere, repository},
		{"one level of another", "  sourceRepos: ['https://git.example.com/*']" + anywhere, repository},
		{"all but its own", "  sourceRepos: ['*', '!https://git.example.com/org/*']" + anywhere, repository},
		{"a star that is denied, which stops at slashes", "  sourceRepos: ['*', '!*']" + anywhere, ""},
		{"its namespace", "  sourceRepos: ['*']\n  destinations: [{name: in-cluster, namespace: web}]", ""},
		{"another namespace", "  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: db}]", place},
		{"all but its namespace", "  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}, {server: '*', namespace: '!w*'}]", place},
		{"all but its cluster", "  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}, {server: '!https://kubernetes.default.svc', namespace: '*'}]", place},
		{"another cluster", "  sourceRepos: ['*']\n  destinations: [{server: https://10.0.0.1, namespace: '*'}]", place},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, inProject(test.project)))
			if got := problems(found); got != test.want {
				t.Errorf("problems are\n%s\nwant\n%s", got, test.want)
			}
			if refused := len(found.Sources) == 0; refused != (test.want != "") {
				t.Errorf("found %d sources", len(found.Sources))
			}
		})
	}
	t.Run("a project that isn't there", func(t *testing.T) {
		found := find(t, argoCDWith(t, application("  project: gone\n  source: {repoURL: u, path: p}")))
		if got, want := problems(found), "Application argocd/guestbook: not applied by Argo CD: there is no AppProject argocd/gone"; got != want {
			t.Errorf("problems are %q, want %q", got, want)
		}
	})
}

func TestIdentitiesAreTheControllersOrImpersonated(t *testing.T) {
	const guestbook = "Application argocd/guestbook"
	controller := func(sources ...string) discover.Identity {
		return discover.Identity{Namespace: "argocd", Name: "argocd-application-controller", Sources: sources}
	}
	permitted := "  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]\n  destinationServiceAccounts: "
	nobody := guestbook + ": it is applied as nobody: "
	for _, test := range []struct {
		name, data, accounts string
		want                 []discover.Identity
		problem              string
	}{
		{"impersonation is off", "  a: b", "[{server: '*', namespace: '*', defaultServiceAccount: deployer}]",
			[]discover.Identity{controller(guestbook)}, ""},
		{"the namespace's account", "  application.sync.impersonation.enabled: 'true'",
			"[{server: '*', namespace: db, defaultServiceAccount: other}, {server: https://*, namespace: 'w*', defaultServiceAccount: deployer}, {server: '*', namespace: '*', defaultServiceAccount: last}]",
			[]discover.Identity{controller(), {Namespace: "web", Name: "deployer", Impersonated: true, Sources: []string{guestbook}}}, ""},
		{"an account elsewhere", "  application.sync.impersonation.enabled: 'true'", "[{server: '*', namespace: '*', defaultServiceAccount: 'ops:deployer'}]",
			[]discover.Identity{controller(), {Namespace: "ops", Name: "deployer", Impersonated: true, Sources: []string{guestbook}}}, ""},
		{"no account", "  application.sync.impersonation.enabled: 'true'", "[{server: '*', namespace: db, defaultServiceAccount: deployer}]",
			[]discover.Identity{controller()}, nobody + "its AppProject names no service account for its destination (destinationServiceAccounts)"},
		{"no account, and none is needed", "  application.sync.impersonation.enabled: 'true'\n  application.sync.impersonation.enforced: 'false'", "[]",
			[]discover.Identity{controller(guestbook)}, ""},
		{"a pattern for an account", "  application.sync.impersonation.enabled: 'true'", "[{server: '*', namespace: '*', defaultServiceAccount: 'd*'}]",
			[]discover.Identity{controller()}, nobody + `its AppProject names the service account "d*" (destinationServiceAccounts)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, inProject(permitted+test.accounts)+settings(test.data)))
			if diff := cmp.Diff(test.want, found.Identities); diff != "" {
				t.Errorf("identities differ (-want +got):\n%s", diff)
			}
			if got := problems(found); got != test.problem {
				t.Errorf("problems are %q, want %q", got, test.problem)
			}
			if len(found.Sources) != 1 {
				t.Errorf("found %d sources", len(found.Sources))
			}
		})
	}
}

func TestTheControllerIsFoundByItsNameOrLabels(t *testing.T) {
	workload := func(kind, metadata, account string) string {
		return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {namespace: argocd, " + metadata + "}\nspec: {template: {spec: {" + account + "}}}\n"
	}
	const labelled = "name: cd-controller, labels: {app.kubernetes.io/component: application-controller, app.kubernetes.io/part-of: argocd}"
	for _, test := range []struct {
		name    string
		objects []string
		want    []discover.Identity
		problem string
	}{
		{"by its labels", []string{workload("Deployment", labelled, "serviceAccountName: cd")}, []discover.Identity{{Namespace: "argocd", Name: "cd"}}, ""},
		{"without an account", []string{workload("StatefulSet", "name: argocd-application-controller", "")}, []discover.Identity{{Namespace: "argocd", Name: "default"}}, ""},
		{"in another namespace", []string{strings.Replace(workload("StatefulSet", labelled, ""), "namespace: argocd", "namespace: other", 1)}, nil,
			"Namespace argocd: no application controller of Argo CD is in it: none that is called argocd-application-controller, or has the labels app.kubernetes.io/component=application-controller and app.kubernetes.io/part-of=argocd"},
		{"the server is none", []string{workload("Deployment", "name: argocd-server, labels: {app.kubernetes.io/component: server, app.kubernetes.io/part-of: argocd}", "serviceAccountName: server"),
			workload("Deployment", labelled, "serviceAccountName: cd")}, []discover.Identity{{Namespace: "argocd", Name: "cd"}}, ""},
		{"two", []string{workload("StatefulSet", "name: argocd-application-controller", "serviceAccountName: a"), workload("Deployment", labelled, "serviceAccountName: b")}, nil,
			"Namespace argocd: several application controllers of Argo CD are in it, and none is trusted: leave one of the service accounts a, b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, clusterOf(t, strings.Join(test.objects, "\n---\n")))
			if diff := cmp.Diff(test.want, found.Identities); diff != "" {
				t.Errorf("identities differ (-want +got):\n%s", diff)
			}
			if got := problems(found); got != test.problem {
				t.Errorf("problems are %q, want %q", got, test.problem)
			}
		})
	}
}
