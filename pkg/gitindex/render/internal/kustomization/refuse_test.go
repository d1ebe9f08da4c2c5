package kustomization

import "testing"

func TestARemoteBaseIsWhatKustomizeWouldClone(t *testing.T) {
	for path, want := range map[string]bool{
		"https://github.com/org/repo":                      true,
		"https://github.com/org/repo//base?ref=v1":         true,
		"https://example.com/org/repo.git/base":            true,
		"http://example.com/org/repo":                      true,
		"HTTPS://example.com/org/repo":                     true,
		"ssh://git@example.com/org/repo":                   true,
		"git@github.com:org/repo.git":                      true,
		"git@example.com:org/repo":                         true,
		"github.com/org/repo":                              true,
		"GitHub.com:org/repo/base":                         true,
		"git::https://example.com/org/repo":                true,
		"GIT::git@example.com:org/repo":                    true,
		"file:///srv/repo":                                 true,
		"https://dev.azure.com/org/project/_git/repo":      true,
		"user@host/org/repo":                               true,
		"../../base":                                       false,
		"base":                                             false,
		"./github.com/org/repo":                            false,
		"github.com":                                       false,
		"vendor/github.com/org/repo":                       false,
		"deployment@v1.yaml":                               false,
		"charts@v1/x.yaml":                                 false,
		"/etc/passwd":                                      false,
		"":                                                 false,
		"apiVersion: v1\nkind: Pod\nurl: https://x.io/a/b": false,
	} {
		if got := (reference{path: path, dir: true}).remote(); got != want {
			t.Errorf("%q: remote is %t, want %t", path, got, want)
		}
	}
}

func TestARemoteFileIsWhatKustomizeWouldGet(t *testing.T) {
	for path, want := range map[string]bool{
		"http://example.com/x.yaml":    true,
		"https://example.com/x.yaml":   true,
		"HTTP://example.com/x.yaml":    true,
		"https:/example.com/x.yaml":    true,
		"https:x.yaml":                 true,
		"github.com/org/repo/x.yaml":   false,
		"ssh://example.com/x.yaml":     false,
		"files/https.yaml":             false,
		"text with https://x.io in it": false,
		"../x.yaml":                    false,
	} {
		if got := (reference{path: path}).remote(); got != want {
			t.Errorf("%q: remote is %t, want %t", path, got, want)
		}
	}
}

func FuzzIsRepositoryNeverPanics(f *testing.F) {
	f.Add("https://github.com/org/repo//base?ref=v1&timeout=x")
	f.Add("git@host:a/../..//b")
	f.Fuzz(func(_ *testing.T, path string) { isRepository(path) })
}
