package discover_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

func TestTheSecretOfARepositoryIsFoundByItsURL(t *testing.T) {
	const infra = "https://git.example.com/org/infra.git"
	for _, test := range []struct {
		name, url, chart string
		known            []discover.ArgoCDRepository
		want             string // the Secret
	}{
		{name: "none", url: infra},
		{name: "the same URL, in another spelling", url: infra, want: "a",
			known: []discover.ArgoCDRepository{{Secret: "b", URL: "https://git.example.com/org/other"}, {Secret: "a", URL: "https://Git.example.com/Org/infra"}}},
		{name: "SSH in its two spellings", url: "git@git.example.com:org/infra.git", want: "a",
			known: []discover.ArgoCDRepository{{Secret: "a", URL: "ssh://git@git.example.com/org/infra"}}},
		{name: "another protocol", url: "git@git.example.com:org/infra.git",
			known: []discover.ArgoCDRepository{{Secret: "a", URL: infra}}},
		{name: "the project's goes before everybody's", url: infra, want: "a",
			known: []discover.ArgoCDRepository{{Secret: "b", URL: infra}, {Secret: "a", URL: infra, Project: "default"}, {Secret: "c", URL: infra}}},
		{name: "another project's", url: infra,
			known: []discover.ArgoCDRepository{{Secret: "a", URL: infra, Project: "web"}}},
		{name: "the longest template", url: infra, want: "a",
			known: []discover.ArgoCDRepository{
				{Secret: "b", URL: "https://git.example.com", Template: true}, {Secret: "a", URL: "https://git.example.com/org", Template: true},
				{Secret: "c", URL: "https://git.example.com/organisation", Template: true}}},
		{name: "a repository's own goes before a template", url: infra, want: "a",
			known: []discover.ArgoCDRepository{{Secret: "b", URL: "https://git.example.com/org", Template: true}, {Secret: "a", URL: infra}}},
		{name: "a template lends credentials to one that has none", url: infra, want: "b",
			known: []discover.ArgoCDRepository{{Secret: "b", URL: "https://git.example.com/org", Template: true}, {Secret: "a", URL: infra, Bare: true}}},
		{name: "one without credentials, and no template", url: infra, want: "a",
			known: []discover.ArgoCDRepository{{Secret: "a", URL: infra, Bare: true}}},
		{name: "a chart repository", url: "https://charts.example.com", chart: "redis", want: "a",
			known: []discover.ArgoCDRepository{{Secret: "b", URL: "https://charts.example.com/", Type: "helm"}, {Secret: "a", URL: "https://charts.example.com", Type: "helm"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := "repoURL: '" + test.url + "', path: p"
			if test.chart != "" {
				source = "repoURL: '" + test.url + "', chart: " + test.chart
			}
			cluster := argoCDWith(t, application("  source: {"+source+"}"))
			cluster.repositories = test.known
			want := gitindex.SecretRef{Namespace: "argocd", Name: test.want, Form: gitindex.ArgoCDSecret}
			if got := find(t, cluster).Sources[0].Repository.Secret; got != want {
				t.Errorf("the Secret is %+v, want %+v", got, want)
			}
		})
	}
}

func TestAHelmRepositoryMayBeARegistry(t *testing.T) {
	cluster := argoCDWith(t, application("  source: {repoURL: 'https://registry.example.com/charts', chart: redis, targetRevision: 1.2.3}"))
	cluster.repositories = []discover.ArgoCDRepository{{Secret: "a", URL: "https://registry.example.com/charts", Type: "helm", OCI: true}}
	want := gitindex.Repository{URL: "oci://registry.example.com/charts", Chart: "redis", Ref: gitindex.Ref{SemVer: "1.2.3"},
		Secret: gitindex.SecretRef{Namespace: "argocd", Name: "a", Form: gitindex.ArgoCDSecret}}
	if got := find(t, cluster).Sources[0].Repository; got != want {
		t.Errorf("the repository is %+v, want %+v", got, want)
	}
}
