package git

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Credentials prove to a Git server who asks, and to the asker who the server
// is. All fields are optional. However a value is printed, logged or
// marshalled, only the names of the fields that are set come out.
type Credentials struct {
	Username, Password string // for https and http; Password for ssh too, if there is no SSHKey
	BearerToken        string // for https and http; goes before Username and Password

	SSHKey           []byte // private, PEM
	SSHKeyPassphrase string // of SSHKey, if it is encrypted
	KnownHosts       []byte // the host keys to trust, as in a known_hosts file

	CA      []byte            // certificates to trust for https, PEM, beside the system's
	HostCAs map[string][]byte // the same by host, without port; goes before CA

	ClientCert, ClientKey []byte // who asks, for https, PEM

	App       *GitHubApp // for https, if there are neither Password nor BearerToken
	Proxy     *Proxy     // nil for what the environment says
	Docker    []byte     // logins to registries, as in Docker's config.json
	PlainHTTP bool       // a registry is asked without TLS
}

// CredentialsFromSecret reads the data of a Kubernetes Secret. The keys are
// those of Flux and of Kubernetes itself:
//
//	username, password      basic authentication; password alone does for tokens
//	bearerToken             a bearer token
//	identity                an SSH private key (ssh-privatekey is the same);
//	                        password is then its passphrase
//	known_hosts             the host keys to trust
//	ca.crt, caFile          certificates to trust
//	tls.crt, tls.key        a certificate for the client (certFile, keyFile)
//	githubAppID, …          a GitHub App: githubAppPrivateKey, one of
//	                        githubAppInstallationID and
//	                        githubAppInstallationOwner, githubAppBaseURL
//	.dockerconfigjson       logins to registries
//
// identity.pub is not needed, and other keys are ignored. Data with none of
// these keys is an error, as is an empty value of one of them.
func CredentialsFromSecret(data map[string][]byte) (Credentials, error) {
	var c Credentials
	found := false
	get := func(keys ...string) []byte {
		for _, key := range keys {
			if value, ok := data[key]; ok {
				found = true
				return value
			}
		}
		return nil
	}
	text := func(key string) string { return strings.TrimRight(string(get(key)), "\r\n") }

	c.Username = text("username")
	c.Password = text("password")
	c.BearerToken = text("bearerToken")
	c.SSHKey = get("identity", "ssh-privatekey")
	c.KnownHosts = get("known_hosts")
	c.CA = get("ca.crt", "caFile")
	c.ClientCert = get("tls.crt", "certFile")
	c.ClientKey = get("tls.key", "keyFile")
	c.Docker = get(".dockerconfigjson")
	if get("githubAppID") != nil {
		var err error
		if c.App, err = githubApp(data, "githubAppBaseURL"); err != nil {
			return Credentials{}, err
		}
	}
	if c.SSHKey != nil {
		c.SSHKeyPassphrase, c.Password = c.Password, ""
	}

	if !found {
		return Credentials{}, errors.New("it has none of the keys username, password, bearerToken, identity, ssh-privatekey, known_hosts, ca.crt, caFile, tls.crt, githubAppID, .dockerconfigjson")
	}
	for _, key := range []string{"username", "bearerToken", "identity", "ssh-privatekey", "known_hosts", "ca.crt", "caFile", "tls.crt", "tls.key", "certFile", "keyFile", ".dockerconfigjson"} {
		if value, ok := data[key]; ok && len(strings.TrimSpace(string(value))) == 0 {
			return Credentials{}, fmt.Errorf("its key %s is empty", key)
		}
	}
	return c, nil
}

// addCertificates takes over what a Secret with certificates alone holds.
func (c *Credentials) addCertificates(data map[string][]byte) error {
	only := map[string][]byte{}
	for _, key := range []string{"ca.crt", "caFile", "tls.crt", "certFile", "tls.key", "keyFile"} {
		if value, ok := data[key]; ok {
			only[key] = value
		}
	}
	if len(only) == 0 {
		return errors.New("it has none of the keys ca.crt, tls.crt and tls.key")
	}
	more, err := CredentialsFromSecret(only)
	if err != nil {
		return err
	}
	if len(more.CA) > 0 {
		c.CA = more.CA
	}
	if len(more.ClientCert) > 0 {
		c.ClientCert, c.ClientKey = more.ClientCert, more.ClientKey
	}
	return nil
}

// String names the fields that are set, and none of their values.
func (c Credentials) String() string {
	var set []string
	for _, field := range []struct {
		name string
		size int
	}{
		{"username", len(c.Username)}, {"password", len(c.Password)}, {"bearer token", len(c.BearerToken)},
		{"SSH key", len(c.SSHKey)}, {"SSH key passphrase", len(c.SSHKeyPassphrase)},
		{"known hosts", len(c.KnownHosts)}, {"CA", len(c.CA)}, {"CAs of hosts", len(c.HostCAs)},
		{"client certificate", len(c.ClientCert)}, {"client key", len(c.ClientKey)}, {"logins to registries", len(c.Docker)},
	} {
		if field.size > 0 {
			set = append(set, field.name)
		}
	}
	if c.App != nil {
		set = append(set, "GitHub App")
	}
	if c.Proxy != nil {
		set = append(set, "proxy")
	}
	return "credentials(" + strings.Join(set, ", ") + ")"
}

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String, for JSON and YAML.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalLog is String, for logr.
func (c Credentials) MarshalLog() any { return c.String() }
