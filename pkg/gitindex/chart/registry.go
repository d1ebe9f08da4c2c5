package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// ociRegistry is a registry of artifacts, charts among them.
type ociRegistry struct {
	repository gitindex.Repository
	who        git.Credentials
	options    Options
	remote     *remote.Repository
	login      bool
}

func newRegistry(repository gitindex.Repository, c git.Credentials, options Options) (*ociRegistry, error) {
	_, name, _ := strings.Cut(repository.URL, "://")
	at, err := remote.NewRepository(strings.Trim(name, "/") + "/" + repository.Chart)
	if err != nil || at.Reference.Reference != "" {
		return nil, errors.New("that is not the URL of a registry: write oci://host/path")
	}
	host := at.Reference.Registry
	transport, err := git.NewTransport(repository, c, hostname(host))
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true // it is asked a few times
	credential, err := loginTo(at.Reference, c)
	if err != nil {
		return nil, fmt.Errorf("reading Secret %q: %w", repository.Secret.String(), err)
	}
	at.PlainHTTP = c.PlainHTTP
	at.TagListPageSize = 1000
	at.SkipReferrersGC = true
	at.Client = &auth.Client{
		Client:     &http.Client{Transport: transport},
		Header:     http.Header{"User-Agent": {"gitonly"}},
		Cache:      auth.NewCache(),
		Credential: auth.StaticCredential(host, credential),
	}
	return &ociRegistry{repository: repository, who: c, options: options, remote: at, login: credential != auth.EmptyCredential}, nil
}

// loginTo is who asks a registry: the username and password, else what a Docker
// configuration has for it.
func loginTo(at registry.Reference, c git.Credentials) (auth.Credential, error) {
	if c.Username != "" || c.Password != "" {
		return auth.Credential{Username: c.Username, Password: c.Password}, nil
	}
	if c.BearerToken != "" {
		return auth.Credential{AccessToken: c.BearerToken}, nil
	}
	if len(c.Docker) == 0 {
		return auth.EmptyCredential, nil
	}
	return dockerLogin(at, c.Docker)
}

func (r *ociRegistry) resolve(ctx context.Context) (version, error) {
	want := r.repository.Ref.SemVer
	tag := strings.ReplaceAll(want, "+", "_") // tags have no plus
	if _, err := digest.Parse(want); err == nil || want != "" && !isRange(want) {
		manifest, err := r.remote.Resolve(ctx, tag)
		if err != nil {
			return version{}, r.explain(err)
		}
		return version{name: want, digest: manifest.Digest.Encoded()}, nil
	}
	var tags []string
	err := r.remote.Tags(ctx, "", func(page []string) error {
		const most = 100_000
		if tags = append(tags, page...); len(tags) > most {
			return fmt.Errorf("there are more than %d tags", most)
		}
		return nil
	})
	if err != nil {
		return version{}, r.explain(err)
	}
	versions := slices.Clone(tags)
	for i := range versions {
		versions[i] = strings.ReplaceAll(versions[i], "_", "+")
	}
	i, err := pick(want, versions)
	if err != nil {
		return version{}, err
	}
	manifest, err := r.remote.Resolve(ctx, tags[i])
	if err != nil {
		return version{}, r.explain(err)
	}
	return version{name: versions[i], digest: manifest.Digest.Encoded()}, nil
}

// isRange is false for a version, and for what is no range either.
func isRange(text string) bool {
	if _, err := semver.NewVersion(text); err == nil {
		return false
	}
	_, err := semver.NewConstraint(text)
	return err == nil
}

// The types of layers that a chart may be in.
const (
	chartLayer       = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	legacyChartLayer = "application/tar+gzip"
	chartConfig      = "application/vnd.cncf.helm.config.v1+json"
)

func (r *ociRegistry) fetch(ctx context.Context, revision gitindex.Revision) (packed, error) {
	described, err := r.remote.Resolve(ctx, digest.NewDigestFromEncoded(digest.SHA256, revision.Commit).String())
	if err != nil {
		return packed{}, r.explain(err)
	}
	const mostOfManifest = 4 << 20
	if described.Size > mostOfManifest {
		return packed{}, errors.New("its manifest is larger than is read of one")
	}
	encoded, err := content.FetchAll(ctx, r.remote.Manifests(), described)
	if err != nil {
		return packed{}, r.explain(err)
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(encoded, &manifest); err != nil {
		return packed{}, errors.New("its manifest can't be read")
	}
	layer, isChart, err := layerOf(manifest)
	if err != nil {
		return packed{}, err
	}
	if layer.Size > r.options.MaxSize {
		return packed{}, errors.New("the chart is larger than is read of one")
	}
	data, err := content.FetchAll(ctx, r.remote.Blobs(), layer)
	if err != nil {
		return packed{}, r.explain(err)
	}
	return packed{data: data, chart: isChart}, nil
}

// layerOf is the layer with the files: a chart's, else the only one that is a
// tar file.
func layerOf(manifest ocispec.Manifest) (layer ocispec.Descriptor, chart bool, err error) {
	var tars []ocispec.Descriptor
	for _, l := range manifest.Layers {
		switch {
		case l.MediaType == chartLayer, l.MediaType == legacyChartLayer && manifest.Config.MediaType == chartConfig:
			return l, true, nil
		case strings.HasSuffix(l.MediaType, "tar+gzip"):
			tars = append(tars, l)
		}
	}
	if len(tars) != 1 {
		return layer, false, errors.New("it is neither a chart nor one gzipped tar file")
	}
	return tars[0], false, nil
}

// explain leaves out what the server says in its own words.
func (r *ociRegistry) explain(err error) error {
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return errors.New("the registry doesn't have it")
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden), errors.Is(err, auth.ErrBasicCredentialNotFound):
		if !r.login {
			return errors.New("the registry needs credentials")
		}
		return fmt.Errorf("the registry refuses the credentials: check Secret %q", r.repository.Secret.String())
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return errors.New("the registry doesn't have it")
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData):
		return errors.New("the registry sends something else than it announces")
	case errors.As(err, &answer):
		return fmt.Errorf("the registry answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	return git.ExplainTLS(withoutURL(err), r.repository, r.who, hostname(r.remote.Reference.Registry))
}

// hostname is a registry's name without its port.
func hostname(hostPort string) string {
	u, err := url.Parse("//" + hostPort)
	if err != nil {
		return hostPort
	}
	return u.Hostname()
}
