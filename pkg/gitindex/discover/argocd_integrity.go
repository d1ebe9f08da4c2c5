package discover

import (
	"cmp"
	"fmt"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// argoCDIntegrity is what an AppProject says of who may sign.
type argoCDIntegrity struct {
	Git *struct {
		Policies []argoCDIntegrityPolicy `json:"policies"`
	} `json:"git"`
}

type argoCDIntegrityPolicy struct {
	Repos []struct {
		URL string `json:"url"`
	} `json:"repos"`
	GPG *struct {
		Mode string   `json:"mode"`
		Keys []string `json:"keys"`
	} `json:"gpg"`
}

// verification is what has to be signed for Argo CD to apply a repository in a
// project. The error is why Argo CD applies nothing of it.
//
// In mode strict Argo CD also looks at the commits before, which aren't fetched
// here.
func (f *argoCDFinder) verification(url, project string) (gitindex.Verification, error) {
	name := cmp.Or(project, "default")
	p, ok := f.projects[name]
	if !ok {
		return gitindex.Verification{}, nil
	}
	asked := gitindex.Verification{Keys: gitindex.SecretRef{Namespace: f.Namespace, Form: gitindex.ArgoCDSecret}}
	integrity := p.Spec.SourceIntegrity
	if integrity == nil || integrity.Git == nil {
		// What there was before sourceIntegrity, and counts where that says nothing.
		var keys []string
		for _, key := range p.Spec.SignatureKeys {
			keys = append(keys, key.KeyID)
		}
		if len(keys) == 0 {
			return gitindex.Verification{}, nil
		}
		asked.Mode, asked.Only = gitindex.VerifyTagOrHEAD, strings.Join(keys, ",")
		return asked, nil
	}
	var matching []argoCDIntegrityPolicy
	for _, policy := range integrity.Git.Policies {
		if policy.concerns(url) {
			matching = append(matching, policy)
		}
	}
	switch {
	case len(matching) > 1:
		return gitindex.Verification{}, fmt.Errorf("not applied by Argo CD: %d policies of AppProject %s are for this repository (sourceIntegrity), and only one may be", len(matching), name)
	case len(matching) == 0 || matching[0].GPG == nil:
		return gitindex.Verification{}, nil
	}
	gpg := matching[0].GPG
	asked.Only = strings.Join(gpg.Keys, ",")
	switch gpg.Mode {
	case "none":
		return gitindex.Verification{}, nil
	case "head":
		asked.Mode = gitindex.VerifyTagOrHEAD
	case "strict":
		asked.Mode = gitindex.VerifyAnyTagAndHEAD
	default:
		return gitindex.Verification{}, fmt.Errorf("not applied by Argo CD: AppProject %s has a policy with the mode %q, which there isn't (sourceIntegrity)", name, gpg.Mode)
	}
	return asked, nil
}

// concerns reports whether a policy is for a repository: some pattern matches, and
// none with ! in front does. A star goes across slashes.
func (p argoCDIntegrityPolicy) concerns(url string) bool {
	included := false
	for _, repo := range p.Repos {
		pattern, excludes := strings.CutPrefix(repo.URL, "!")
		if !globMatches(pattern, url) {
			continue
		}
		if excludes {
			return false
		}
		included = true
	}
	return included
}
