package discover

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// fluxOrigin is where Flux has files from.
type fluxOrigin struct {
	repository gitindex.Repository
	references map[string]gitindex.Repository
	interval   time.Duration
	seen       string // commit
	excluded   string
	sparse     []string // folders that alone are there; nil for all

	// why, if not empty, says why only Flux has the files. A fault is something
	// that gitonly lacks for them.
	why   string
	fault error
}

// lacks makes the files some that only Flux has.
func (o *fluxOrigin) lacks(fault error) {
	o.why, o.fault = fault.Error(), fault
}

// source is a source from the origin.
func (o fluxOrigin) source(name string) gitindex.Source {
	return gitindex.Source{Name: name, Repository: o.repository, References: o.references, Interval: o.interval, Seen: o.seen}
}

// origin looks up what a reference to a source of Flux means.
func (f *fluxFinder) origin(kind, namespace, name string) (fluxOrigin, error) {
	switch kind {
	case sourcev1.GitRepositoryKind:
		return f.gitRepository(namespace, name)
	case sourcev1.OCIRepositoryKind:
		var oci sourcev1.OCIRepository
		if err := f.get(kind, namespace, name, &oci); err != nil {
			return fluxOrigin{}, err
		}
		return fluxOrigin{
			repository: gitindex.Repository{URL: oci.Spec.URL},
			why:        fmt.Sprintf("its files are those of OCIRepository %s/%s, not of Git", namespace, name),
		}, nil
	case sourcev1.BucketKind, sourcev1.ExternalArtifactKind:
		return fluxOrigin{why: fmt.Sprintf("its files are those of %s %s/%s, not of Git", kind, namespace, name)}, nil
	}
	return fluxOrigin{}, fmt.Errorf("it refers to a %s, which is no source of files", kind)
}

func (f *fluxFinder) gitRepository(namespace, name string) (fluxOrigin, error) {
	var git sourcev1.GitRepository
	if err := f.get(sourcev1.GitRepositoryKind, namespace, name, &git); err != nil {
		return fluxOrigin{}, err
	}
	o := fluxOrigin{interval: git.Spec.Interval.Duration, sparse: git.Spec.SparseCheckout}
	if git.Spec.Ignore != nil {
		o.excluded = *git.Spec.Ignore
	}
	if git.Status.Artifact != nil {
		o.seen = commitIn(git.Status.Artifact.Revision)
	}
	repository, err := repositoryOf(&git)
	o.repository = repository
	if err == nil && len(git.Spec.Include) > 0 {
		o.references, err = f.included(&git)
	}
	if err == nil && git.Spec.RecurseSubmodules {
		err = fmt.Errorf("GitRepository %s/%s takes in submodules, which gitonly doesn't fetch", namespace, name)
	}
	if err != nil {
		o.lacks(err)
	}
	return o, nil
}

// repositoryOf says how to fetch what a GitRepository names. The error says
// why only Flux can.
func repositoryOf(git *sourcev1.GitRepository) (gitindex.Repository, error) {
	repository := gitindex.Repository{URL: git.Spec.URL}
	of := fmt.Sprintf("GitRepository %s/%s", git.Namespace, git.Name)
	if provider := git.GetProvider(); provider != sourcev1.GitProviderGeneric {
		return repository, fmt.Errorf("%s is fetched with the credentials of %s, which gitonly doesn't use", of, provider)
	}
	repository.Secret = secretOf(git.Namespace, git.Spec.SecretRef)
	ref, err := refOf(git.Spec.Reference)
	if err != nil {
		return repository, fmt.Errorf("%s: %w", of, err)
	}
	repository.Ref = ref
	repository.Verify = verificationOf(git)
	return repository, nil
}

// verificationOf is what source-controller wants signed before it takes a commit.
// Without a mode, which the API server sets, it wants nothing.
func verificationOf(git *sourcev1.GitRepository) gitindex.Verification {
	asked := git.Spec.Verification
	if asked == nil || asked.Mode == "" {
		return gitindex.Verification{}
	}
	mode := gitindex.VerifyHEAD
	switch asked.GetMode() {
	case sourcev1.ModeGitTag:
		mode = gitindex.VerifyTag
	case sourcev1.ModeGitTagAndHEAD:
		mode = gitindex.VerifyTagAndHEAD
	}
	return gitindex.Verification{
		Mode: mode,
		Keys: gitindex.SecretRef{Namespace: git.Namespace, Name: asked.SecretRef.Name, Form: gitindex.FluxSecret},
	}
}

func secretOf(namespace string, ref *meta.LocalObjectReference) gitindex.SecretRef {
	if ref == nil || ref.Name == "" {
		return gitindex.SecretRef{}
	}
	return gitindex.SecretRef{Namespace: namespace, Name: ref.Name}
}

// refOf takes the field that Flux takes: the commit before the name, that
// before the range, the tag and the branch, which is master if nothing is said.
func refOf(ref *sourcev1.GitRepositoryRef) (gitindex.Ref, error) {
	switch {
	case ref == nil:
		return gitindex.Ref{Branch: "master"}, nil
	case ref.Commit != "":
		return gitindex.Ref{Commit: ref.Commit}, nil
	case ref.Name != "":
		if branch, ok := strings.CutPrefix(ref.Name, "refs/heads/"); ok {
			return gitindex.Ref{Branch: branch}, nil
		}
		if tag, ok := strings.CutPrefix(ref.Name, "refs/tags/"); ok {
			return gitindex.Ref{Tag: strings.TrimSuffix(tag, "^{}")}, nil
		}
		return gitindex.Ref{}, fmt.Errorf("gitonly follows branches and tags, not %s", ref.Name)
	case ref.SemVer != "":
		return gitindex.Ref{SemVer: ref.SemVer}, nil
	case ref.Tag != "":
		return gitindex.Ref{Tag: ref.Tag}, nil
	case ref.Branch != "":
		return gitindex.Ref{Branch: ref.Branch}, nil
	}
	return gitindex.Ref{Branch: "master"}, nil
}

var errIncluded = errors.New("gitonly takes in whole repositories, as a folder of the root each")

// included are the other repositories that a GitRepository takes in.
func (f *fluxFinder) included(git *sourcev1.GitRepository) (map[string]gitindex.Repository, error) {
	all := map[string]gitindex.Repository{}
	for _, include := range git.Spec.Include {
		var other sourcev1.GitRepository
		if err := f.get(sourcev1.GitRepositoryKind, git.Namespace, include.GitRepositoryRef.Name, &other); err != nil {
			return nil, err
		}
		to := cleaned(include.GetToPath())
		if cleaned(include.GetFromPath()) != "." || to == "." || strings.Contains(to, "/") || other.Spec.Ignore != nil || len(other.Spec.Include) > 0 {
			return nil, fmt.Errorf("GitRepository %s/%s includes %s: %w", git.Namespace, git.Name, other.Name, errIncluded)
		}
		repository, err := repositoryOf(&other)
		if err != nil {
			return nil, err
		}
		all[to] = repository
	}
	return all, nil
}

// cleaned is a path below the root of the files, wherever it tries to lead.
func cleaned(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return name
}

// holds tells whether the files have all that is in a folder.
func (o fluxOrigin) holds(folder string) bool {
	return o.sparse == nil || slices.ContainsFunc(o.sparse, func(dir string) bool {
		dir = cleaned(dir)
		return dir == "." || folder == dir || strings.HasPrefix(folder, dir+"/")
	})
}

var sha1 = regexp.MustCompile(`(?:^|@)sha1:([0-9a-f]{40})$`)

// commitIn reads a revision such as main@sha1:….
func commitIn(revision string) string {
	if found := sha1.FindStringSubmatch(revision); found != nil {
		return found[1]
	}
	return ""
}
