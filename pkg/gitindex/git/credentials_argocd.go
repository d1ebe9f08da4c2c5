package git

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The ConfigMaps in which Argo CD keeps whom to trust.
const (
	knownHostsMap   = "argocd-ssh-known-hosts-cm"
	certificatesMap = "argocd-tls-certs-cm"
)

// argoCDCredentials reads the data of one of Argo CD's Secrets, for one
// repository or for all that begin alike. Data with no credentials is none.
//
// What it says of leaving out checks (insecure, insecureIgnoreHostKey) doesn't
// count: certificates and host keys are always checked.
func argoCDCredentials(data map[string][]byte) (Credentials, error) {
	text := func(key string) string { return strings.TrimRight(string(data[key]), "\r\n") }
	for _, key := range []string{"gcpServiceAccountKey", "azureServicePrincipalClientSecret"} {
		if text(key) != "" {
			return Credentials{}, fmt.Errorf("its key %s is a way to log in that gitonly doesn't have: use a token, a key or a GitHub App", key)
		}
	}
	if text("useAzureWorkloadIdentity") == "true" {
		return Credentials{}, errors.New("useAzureWorkloadIdentity is a way to log in that gitonly doesn't have: use a token, a key or a GitHub App")
	}
	c := Credentials{
		Username:    text("username"),
		Password:    text("password"),
		BearerToken: text("bearerToken"),
		SSHKey:      data["sshPrivateKey"],
		ClientCert:  data["tlsClientCertData"],
		ClientKey:   data["tlsClientCertKey"],
		PlainHTTP:   text("insecureOCIForceHttp") == "true",
	}
	// Argo CD takes a token rather than a password, and either rather than an
	// app.
	var err error
	if key := data["githubAppPrivateKey"]; len(key) > 0 && c.Password == "" && c.BearerToken == "" {
		if c.App, err = githubApp(data, "githubAppEnterpriseBaseUrl"); err != nil {
			return Credentials{}, err
		}
	}
	if at := text("proxy"); at != "" {
		if c.Proxy, err = newProxy(at, "", "", text("noProxy")); err != nil {
			return Credentials{}, fmt.Errorf("its key proxy: %w", err)
		}
	}
	return c, nil
}

// addArgoCDTrust adds the host keys and certificates that Argo CD trusts.
func (c *Credentials) addArgoCDTrust(ctx context.Context, secrets Secrets, namespace string) error {
	hosts, err := secrets.ConfigMap(ctx, namespace, knownHostsMap)
	if err != nil {
		return err
	}
	c.KnownHosts = hosts["ssh_known_hosts"]
	c.HostCAs, err = secrets.ConfigMap(ctx, namespace, certificatesMap)
	return err
}

// githubApp reads the keys of a GitHub App, which only differ in what the URL
// of its API is called.
func githubApp(data map[string][]byte, urlKey string) (*GitHubApp, error) {
	text := func(key string) string { return strings.TrimSpace(string(data[key])) }
	number := func(key string) (int64, error) {
		n, err := strconv.ParseInt(text(key), 10, 64)
		if err != nil || n <= 0 {
			return 0, fmt.Errorf("its key %s is not a number, as the ids of GitHub Apps and their installations are", key)
		}
		return n, nil
	}
	app := &GitHubApp{PrivateKey: data["githubAppPrivateKey"], Owner: text("githubAppInstallationOwner"), URL: strings.TrimRight(text(urlKey), "/")}
	var err error
	if app.ID, err = number("githubAppID"); err != nil {
		return nil, err
	}
	if text("githubAppInstallationID") != "" {
		if app.Installation, err = number("githubAppInstallationID"); err != nil {
			return nil, err
		}
	}
	if len(app.PrivateKey) == 0 {
		return nil, errors.New("its key githubAppPrivateKey is missing")
	}
	return app, nil
}
