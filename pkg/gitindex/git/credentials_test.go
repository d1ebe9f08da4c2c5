package git_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestCredentialsFromSecret(t *testing.T) {
	for _, test := range []struct {
		name string
		data map[string]string
		want git.Credentials
		err  string
	}{
		{
			name: "basic authentication",
			data: map[string]string{"username": "agent", "password": "pw"},
			want: git.Credentials{Username: "agent", Password: "pw"},
		},
		{
			name: "line ends that came with a file are no part of a password",
			data: map[string]string{"username": "agent\n", "password": " p w \r\n"},
			want: git.Credentials{Username: "agent", Password: " p w "},
		},
		{
			name: "a bearer token",
			data: map[string]string{"bearerToken": "t"},
			want: git.Credentials{BearerToken: "t"},
		},
		{
			name: "an SSH key as Flux has it",
			data: map[string]string{"identity": "key", "identity.pub": "pub", "known_hosts": "hosts", "password": "passphrase"},
			want: git.Credentials{SSHKey: []byte("key"), SSHKeyPassphrase: "passphrase", KnownHosts: []byte("hosts")},
		},
		{
			name: "an SSH key as Kubernetes has it",
			data: map[string]string{"ssh-privatekey": "key", "known_hosts": "hosts"},
			want: git.Credentials{SSHKey: []byte("key"), KnownHosts: []byte("hosts")},
		},
		{
			name: "a CA",
			data: map[string]string{"ca.crt": "ca"},
			want: git.Credentials{CA: []byte("ca")},
		},
		{
			name: "a CA by its older name",
			data: map[string]string{"caFile": "ca"},
			want: git.Credentials{CA: []byte("ca")},
		},
		{
			name: "an empty password",
			data: map[string]string{"username": "token", "password": ""},
			want: git.Credentials{Username: "token"},
		},
		{
			name: "nothing that is known",
			data: map[string]string{"token": "t"},
			err:  "it has none of the keys username, password, bearerToken, identity, ssh-privatekey, known_hosts, ca.crt, caFile, tls.crt, githubAppID, .dockerconfigjson",
		},
		{
			name: "a key without a value",
			data: map[string]string{"identity": "\n"},
			err:  "its key identity is empty",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := map[string][]byte{}
			for key, value := range test.data {
				data[key] = []byte(value)
			}
			got, err := git.CredentialsFromSecret(data)
			if test.err != "" {
				wantError(t, err, test.err)
				return
			}
			must(t, err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("credentials differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCredentialsDoNotShow(t *testing.T) {
	const hidden = "hidden"
	c := git.Credentials{
		Username: hidden, Password: hidden, BearerToken: hidden, SSHKeyPassphrase: hidden,
		SSHKey: []byte(hidden), KnownHosts: []byte(hidden), CA: []byte(hidden), HostCAs: map[string][]byte{"a": []byte(hidden)},
		ClientCert: []byte(hidden), ClientKey: []byte(hidden), Docker: []byte(hidden),
		App: &git.GitHubApp{PrivateKey: []byte(hidden)}, Proxy: &git.Proxy{Address: "http://a", Password: hidden},
	}
	inside := struct{ C git.Credentials }{c}
	asJSON, err := json.Marshal(inside)
	must(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("fetching", "credentials", c, "pointer", &c)
	for _, part := range []any{c.App, c.Proxy} {
		if shown := fmt.Sprintf("%v %+v %#v", part, part, part); strings.Contains(shown, hidden) {
			t.Errorf("a secret shows in %q", shown)
		}
	}
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c, c), fmt.Sprintf("%+v %#v", inside, &inside),
		fmt.Sprintf("%v", &c), string(asJSON), log.String(), fmt.Sprint(c.MarshalLog()),
	} {
		if strings.Contains(shown, hidden) || !strings.Contains(shown, "credentials(username, password, bearer token") {
			t.Errorf("credentials show as %s", shown)
		}
	}
	if got := (git.Credentials{}).String(); got != "credentials()" {
		t.Errorf("no credentials show as %s", got)
	}
}
