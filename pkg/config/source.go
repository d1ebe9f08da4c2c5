package config

import (
	"path"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// Source is a GitSource with spec.git as the index takes it. Defaults are
// filled in, paths are in their shortest spelling. The GitSource is left as it
// is. ok is false for one that is found at an agent.
func Source(in v1alpha1.GitSource) (out gitindex.Source, ok bool) {
	source := in.DeepCopy()
	source.SetDefaults()
	git := source.Spec.Git
	if git == nil {
		return gitindex.Source{}, false
	}

	out = gitindex.Source{
		Name: source.Name,
		Repository: gitindex.Repository{
			URL: git.URL,
			Ref: gitindex.Ref{
				Branch: git.Ref.Branch,
				Tag:    git.Ref.Tag,
				SemVer: git.Ref.SemVer,
				Commit: strings.ToLower(git.Ref.Commit),
			},
		},
		Locations: make([]gitindex.Location, len(git.Paths)),
		Interval:  source.Spec.Interval.Duration,
	}
	if git.SecretRef != nil {
		out.Repository.Secret.Name = git.SecretRef.Name
	}
	if git.Verify != nil {
		out.Repository.Verify = gitindex.Verification{
			Mode: gitindex.VerifyMode(git.Verify.Mode),
			Keys: gitindex.SecretRef{Name: git.Verify.SecretRef.Name},
		}
	}
	for i, p := range git.Paths {
		out.Locations[i] = gitindex.Location{
			Path:      path.Clean(p.Path),
			Namespace: p.Namespace,
			Render:    gitindex.Format(p.Render),
		}
	}
	return out, true
}
