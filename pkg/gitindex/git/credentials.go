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

	CA []byte // certificates to trust for https, PEM, beside the system's
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
	if c.SSHKey != nil {
		c.SSHKeyPassphrase, c.Password = c.Password, ""
	}

	if !found {
		return Credentials{}, errors.New("it has none of the keys username, password, bearerToken, identity, ssh-privatekey, known_hosts, ca.crt, caFile")
	}
	for _, key := range []string{"username", "bearerToken", "identity", "ssh-privatekey", "known_hosts", "ca.crt", "caFile"} {
		if value, ok := data[key]; ok && len(strings.TrimSpace(string(value))) == 0 {
			return Credentials{}, fmt.Errorf("its key %s is empty", key)
		}
	}
	return c, nil
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
		{"known hosts", len(c.KnownHosts)}, {"CA", len(c.CA)},
	} {
		if field.size > 0 {
			set = append(set, field.name)
		}
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
