package discover_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestWhatArgoCDWantsSigned(t *testing.T) {
	asked := func(mode gitindex.VerifyMode, only string) gitindex.Verification {
		return gitindex.Verification{Mode: mode, Only: only, Keys: gitindex.SecretRef{Namespace: "argocd", Form: gitindex.ArgoCDSecret}}
	}
	policy := func(repos, gpg string) string { return "{repos: [" + repos + "], gpg: {" + gpg + "}}" }
	integrity := func(policies string) string {
		return "\n  sourceIntegrity: {git: {policies: [" + policies + "]}}"
	}
	const (
		everything = "{url: '*'}"
		head       = "mode: head, keys: [D56C4FCA57A46444]"
		legacy     = "\n  signatureKeys: [{keyID: 4AEE18F83AFDEB23}, {keyID: D56C4FCA57A46444}]"
	)
	headMode := asked(gitindex.VerifyTagOrHEAD, "D56C4FCA57A46444")
	for _, test := range []struct {
		name, project string
		want          gitindex.Verification
	}{
		{"nothing", "", gitindex.Verification{}},
		{"signatureKeys", legacy, asked(gitindex.VerifyTagOrHEAD, "4AEE18F83AFDEB23,D56C4FCA57A46444")},
		{"mode head", integrity(policy(everything, head)), headMode},
		{"mode head without keys", integrity(policy(everything, "mode: head")), asked(gitindex.VerifyTagOrHEAD, "")},
		{"mode strict", integrity(policy(everything, "mode: strict, keys: [D56C4FCA57A46444]")), asked(gitindex.VerifyAnyTagAndHEAD, "D56C4FCA57A46444")},
		{"mode none", integrity(policy(everything, "mode: none")), gitindex.Verification{}},
		{"sourceIntegrity goes before signatureKeys", legacy + integrity(policy(everything, head)), headMode},
		{"also where it is for other repositories", legacy + integrity(policy("{url: 'https://other/*'}", head)), gitindex.Verification{}},
		{"a star across slashes", integrity(policy("{url: 'https://git.example.com/*'}", head)), headMode},
		{"a repository that is left out", integrity(policy(everything+", {url: '!https://git.example.com/org/infra.git'}", head)), gitindex.Verification{}},
		{"a policy for each", integrity(policy("{url: 'https://git.example.com/*'}", head) + "," + policy("{url: 'https://other/*'}", "mode: none")), headMode},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, inProject("  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]"+test.project)))
			if got := problems(found); got != "" {
				t.Fatalf("problems are\n%s", got)
			}
			if got := found.Sources[0].Repository.Verify; got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}

	for _, test := range []struct{ name, project, want string }{
		{"two policies for one repository", integrity(policy(everything, head) + "," + policy(everything, "mode: none")),
			"not applied by Argo CD: 2 policies of AppProject web are for this repository (sourceIntegrity), and only one may be"},
		{"a mode that there isn't", integrity(policy(everything, "mode: deep")),
			`not applied by Argo CD: AppProject web has a policy with the mode "deep", which there isn't (sourceIntegrity)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := find(t, argoCDWith(t, inProject("  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]"+test.project)))
			if got, want := problems(found), "Application argocd/guestbook: "+test.want; got != want {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
			if at := found.Sources[0].Locations[0]; at.Render != gitindex.Unrendered || at.Build.Why != test.want {
				t.Errorf("the source is %+v", at)
			}
		})
	}
}
