package discover_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestFilesInTheRepositoryOverrideASource(t *testing.T) {
	location := find(t, argoCDWith(t, application(`
  source:
    repoURL: u
    path: p
    kustomize: {images: [a:1], commonLabels: {a: b}}
`))).Sources[0].Locations[0]
	override := location.Build.Override
	if diff := cmp.Diff([]string{".argocd-source.yaml", ".argocd-source-guestbook.yaml"}, override.Files()); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		name string
		text map[string]string
		want *gitindex.KustomizeBuild
		err  string
	}{
		{"one file", map[string]string{".argocd-source.yaml": "path: elsewhere\nkustomize: {images: [a:2], namePrefix: x-, commonLabels: {c: d, a: null}}\n"},
			&gitindex.KustomizeBuild{NamePrefix: "x-", Images: []string{"a:2"},
				Labels: []gitindex.Labels{{Pairs: map[string]string{"a": "b", "c": "d"}, Selectors: true, Templates: true}}}, ""},
		{"the Application's own goes last", map[string]string{
			".argocd-source-guestbook.yaml": "kustomize: {images: [a:3]}\n", ".argocd-source.yaml": "kustomize: {images: [a:2], namePrefix: x-}\n"},
			&gitindex.KustomizeBuild{NamePrefix: "x-", Images: []string{"a:3"},
				Labels: []gitindex.Labels{{Pairs: map[string]string{"a": "b"}, Selectors: true, Templates: true}}}, ""},
		{"another way to render", map[string]string{".argocd-source.yaml": "helm: {version: v3}\n"}, nil,
			"it sets helm and kustomize: Argo CD renders a source by one of them"},
		{"no YAML", map[string]string{".argocd-source.yaml": "secret: ["}, nil, ".argocd-source.yaml: it is no YAML map"},
		{"another form", map[string]string{".argocd-source.yaml": "kustomize: secret"}, nil, ".argocd-source.yaml: it isn't of the form of an Application's source"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := map[string][]byte{}
			for name, text := range test.text {
				content[name] = []byte(text)
			}
			got, err := override.Apply(content)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error is %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := location
			want.Build.Kustomize, want.Build.Override = test.want, nil
			if diff := cmp.Diff(want.Build.Kustomize, got.Build.Kustomize); diff != "" {
				t.Errorf("Kustomize differs (-want +got):\n%s", diff)
			}
			if !got.Equal(want) {
				t.Errorf("location is %+v, want %+v", got, want)
			}
		})
	}
}
