package chart

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// dockerLogin finds the login to a registry in a Docker configuration. Its
// errors repeat nothing of that.
func dockerLogin(at registry.Reference, config []byte) (auth.Credential, error) {
	var logins struct {
		Auths map[string]struct {
			Username      string `json:"username"`
			Password      string `json:"password"`
			Auth          string `json:"auth"`
			IdentityToken string `json:"identitytoken"`
		} `json:"auths"`
	}
	if json.Unmarshal(config, &logins) != nil {
		return auth.EmptyCredential, errors.New("its key .dockerconfigjson is no configuration of Docker's")
	}
	// Docker's own registry goes by several names.
	hosts := []string{hostPort(at.Registry), hostPort(at.Host()), hostPort(credentials.ServerAddressFromHostname(at.Host()))}
	for name, login := range logins.Auths {
		if !slices.Contains(hosts, hostPort(name)) {
			continue
		}
		if login.Auth != "" {
			decoded, err := base64.StdEncoding.DecodeString(login.Auth)
			username, password, ok := strings.Cut(string(decoded), ":")
			if err != nil || !ok {
				return auth.EmptyCredential, errors.New("its key .dockerconfigjson has an auth that is no user and password in base64")
			}
			login.Username, login.Password = username, strings.TrimRight(password, "\x00")
		}
		return auth.Credential{Username: login.Username, Password: login.Password, RefreshToken: login.IdentityToken}, nil
	}
	return auth.EmptyCredential, nil
}

// hostPort is the host of an entry, which may be a URL.
func hostPort(name string) string {
	if !strings.Contains(name, "://") {
		name = "https://" + name
	}
	u, err := url.Parse(strings.ToLower(name))
	if err != nil {
		return ""
	}
	return u.Host
}

// withoutURL takes the URL away that the HTTP client puts around an error.
func withoutURL(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
