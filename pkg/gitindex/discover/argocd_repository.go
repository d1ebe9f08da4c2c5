package discover

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// ArgoCDRepository is what one of Argo CD's Secrets says of a repository,
// without what is secret in it.
type ArgoCDRepository struct {
	Secret  string // its name
	URL     string
	Type    string // git, helm or oci; empty for git
	Project string // whose Applications alone use it; empty for all
	OCI     bool   // a Helm repository in an OCI registry (enableOCI)

	// Template is true for the credentials of all repositories whose URLs
	// begin with URL (repo-creds).
	Template bool

	// Bare is true if there are no credentials in it: none of the keys
	// username, password, bearerToken, sshPrivateKey, tlsClientCertData,
	// githubAppPrivateKey, azureServicePrincipalClientSecret and
	// useAzureWorkloadIdentity with a value.
	Bare bool
}

// ArgoCDSecretType is the label of Argo CD's Secrets that says what they are.
const ArgoCDSecretType = "argocd.argoproj.io/secret-type"

// NewArgoCDRepository reads what a Secret with the label ArgoCDSecretType says;
// ok is false if it is not about repositories.
func NewArgoCDRepository(name string, labels map[string]string, data map[string][]byte) (r ArgoCDRepository, ok bool) {
	kind := labels[ArgoCDSecretType]
	if kind != "repository" && kind != "repo-creds" {
		return ArgoCDRepository{}, false
	}
	text := func(key string) string { return string(data[key]) }
	return ArgoCDRepository{
		Secret: name, URL: text("url"), Type: text("type"), Project: text("project"), OCI: text("enableOCI") == "true",
		Template: kind == "repo-creds",
		Bare: !slices.ContainsFunc([]string{
			"username", "password", "bearerToken", "sshPrivateKey", "tlsClientCertData", "githubAppPrivateKey",
			"azureServicePrincipalClientSecret", "useAzureWorkloadIdentity",
		}, func(key string) bool { return len(data[key]) > 0 }),
	}, true
}

// repository is where a source's files are.
func (f *argoCDFinder) repository(source argoCDSource, project string) gitindex.Repository {
	repository := gitindex.Repository{URL: source.RepoURL, Chart: source.Chart}
	repository.Secret = gitindex.SecretRef{Namespace: f.Namespace, Form: gitindex.ArgoCDSecret}
	known, template := f.secrets(source.RepoURL, project)
	secret := known
	if known == nil || known.Bare && template != nil {
		secret = template
	}
	if secret != nil {
		repository.Secret.Name = secret.Secret
	}

	scheme, rest, hasScheme := strings.Cut(source.RepoURL, "://")
	switch {
	case source.Chart != "":
		oci := !hasScheme || known != nil && known.OCI || template != nil && template.OCI
		switch {
		case !hasScheme:
			repository.URL = "oci://" + source.RepoURL
		case oci && scheme != "oci":
			repository.URL = "oci://" + rest
		}
		repository.Ref.SemVer = source.TargetRevision
	case scheme == "oci":
		// An artifact of its own: what is fetched is the last part of its name.
		if i := strings.LastIndexByte(strings.TrimRight(rest, "/"), '/'); i > 0 {
			repository.URL, repository.Chart = "oci://"+rest[:i], strings.TrimRight(rest[i+1:], "/")
		}
		repository.Ref.SemVer = source.TargetRevision
	default:
		repository.Ref = reference(source)
	}
	return repository
}

// reference is a target revision as a ref.
func reference(source argoCDSource) gitindex.Ref {
	switch revision := source.TargetRevision; {
	case revision == "" || revision == "HEAD":
		return gitindex.Ref{}
	case fullHash.MatchString(revision):
		return gitindex.Ref{Commit: strings.ToLower(revision)}
	default:
		return gitindex.Ref{Name: revision, TagPrefix: source.TagPrefix}
	}
}

var fullHash = regexp.MustCompile("^[0-9a-fA-F]{40}$")

// secrets finds a repository's own Secret, the project's rather than one of all
// projects, and the template with the longest URL that is the beginning of the
// repository's.
func (f *argoCDFinder) secrets(repository, project string) (known, template *ArgoCDRepository) {
	address := normalizedURL(repository)
	if address == "" {
		return nil, nil
	}
	project = cmp.Or(project, "default")
	for i := range f.repositories {
		r := &f.repositories[i]
		at := normalizedURL(r.URL)
		switch {
		case at == "":
		case r.Template:
			if strings.HasPrefix(address, at) && (template == nil || len(at) > len(normalizedURL(template.URL))) {
				template = r
			}
		case at != address || r.Project != "" && r.Project != project:
		case known == nil || known.Project == "" && r.Project != "":
			known = r
		}
	}
	return known, template
}

var sshLike = regexp.MustCompile(`^(ssh://)?([^/:]*?)@[^@]+$`)

// normalizedURL is one spelling for all that Argo CD takes for the same
// repository: case and .git at the end don't count, and ssh://git@host/path is
// git@host:path. It is empty for what is no URL.
func normalizedURL(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if sshLike.MatchString(address) && !strings.HasPrefix(address, "ssh://") {
		address = "ssh://" + strings.Replace(address, ":", "/", 1)
	}
	parsed, err := url.Parse(strings.TrimSuffix(address, ".git"))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(parsed.String(), "ssh://")
}
