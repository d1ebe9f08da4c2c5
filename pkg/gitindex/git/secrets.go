package git

import (
	"context"
	"fmt"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Secrets reads what credentials are made of.
type Secrets interface {
	// Data returns the data of a Secret. An error names it.
	Data(ctx context.Context, ref gitindex.SecretRef) (map[string][]byte, error)

	// ConfigMap returns the data of a ConfigMap; none if it isn't there. An
	// error names it.
	ConfigMap(ctx context.Context, namespace, name string) (map[string][]byte, error)
}

// CredentialsFrom returns what reads the credentials for a repository, of
// whatever form they are.
func CredentialsFrom(secrets Secrets) func(context.Context, gitindex.Repository) (Credentials, error) {
	return func(ctx context.Context, repository gitindex.Repository) (Credentials, error) {
		return credentialsOf(ctx, secrets, repository)
	}
}

func credentialsOf(ctx context.Context, secrets Secrets, repository gitindex.Repository) (Credentials, error) {
	c, err := mainCredentials(ctx, secrets, repository.Secret)
	if err != nil {
		return Credentials{}, err
	}
	if ref := repository.Certificates; ref.Name != "" {
		data, err := secrets.Data(ctx, ref)
		if err != nil {
			return Credentials{}, err
		}
		if err := c.addCertificates(data); err != nil {
			return Credentials{}, fmt.Errorf("reading Secret %q: %w", ref.String(), err)
		}
	}
	if ref := repository.Proxy; ref.Name != "" {
		data, err := secrets.Data(ctx, ref)
		if err != nil {
			return Credentials{}, err
		}
		if c.Proxy, err = proxyFromSecret(data); err != nil {
			return Credentials{}, fmt.Errorf("reading Secret %q: %w", ref.String(), err)
		}
	}
	return c, nil
}

func mainCredentials(ctx context.Context, secrets Secrets, ref gitindex.SecretRef) (Credentials, error) {
	var data map[string][]byte
	var err error
	if ref.Name != "" {
		if data, err = secrets.Data(ctx, ref); err != nil {
			return Credentials{}, err
		}
	}
	read := CredentialsFromSecret
	switch {
	case ref.Form == gitindex.ArgoCDSecret:
		read = argoCDCredentials
	case ref.Name == "":
		return Credentials{}, nil
	}
	c, err := read(data)
	if err != nil {
		return Credentials{}, fmt.Errorf("reading Secret %q: %w", ref.String(), err)
	}
	if ref.Form == gitindex.ArgoCDSecret {
		return c, c.addArgoCDTrust(ctx, secrets, ref.Namespace)
	}
	return c, nil
}
