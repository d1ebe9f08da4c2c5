package git_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// cabinet has Secrets and ConfigMaps, by namespace/name.
type cabinet struct{ secrets, maps map[string]map[string]string }

func (s cabinet) Data(_ context.Context, ref gitindex.SecretRef) (map[string][]byte, error) {
	data, ok := s.secrets[ref.String()]
	if !ok {
		return nil, errors.New("reading Secret " + ref.String() + ": not found")
	}
	return inBytes(data), nil
}

func (s cabinet) ConfigMap(_ context.Context, namespace, name string) (map[string][]byte, error) {
	return inBytes(s.maps[namespace+"/"+name]), nil
}

func inBytes(texts map[string]string) map[string][]byte {
	if texts == nil {
		return nil
	}
	data := map[string][]byte{}
	for key, text := range texts {
		data[key] = []byte(text)
	}
	return data
}

// argoCDs is a Secret of Argo CD's.
func argoCDs(name string) gitindex.SecretRef {
	return gitindex.SecretRef{Namespace: "argocd", Name: name, Form: gitindex.ArgoCDSecret}
}

func TestCredentialsAreReadByTheirForm(t *testing.T) {
	trust := map[string]map[string]string{
		"argocd/argocd-ssh-known-hosts-cm": {"ssh_known_hosts": "hosts"},
		"argocd/argocd-tls-certs-cm":       {"git.example.com": "ca"},
	}
	trusting := func(c git.Credentials) git.Credentials {
		c.KnownHosts, c.HostCAs = []byte("hosts"), map[string][]byte{"git.example.com": []byte("ca")}
		return c
	}
	plain := gitindex.SecretRef{Namespace: "flux-system", Name: "infra"}
	for _, test := range []struct {
		name       string
		repository gitindex.Repository
		secrets    map[string]map[string]string
		want       git.Credentials
		err        string
	}{
		{name: "Argo CD's, without a Secret", repository: gitindex.Repository{Secret: argoCDs("")}, want: trusting(git.Credentials{})},
		{name: "Argo CD's, with nothing secret in it", repository: gitindex.Repository{Secret: argoCDs("a")},
			secrets: map[string]map[string]string{"argocd/a": {"url": "u", "type": "git", "insecure": "true"}}, want: trusting(git.Credentials{})},
		{name: "Argo CD's, with everything", repository: gitindex.Repository{Secret: argoCDs("a")},
			secrets: map[string]map[string]string{"argocd/a": {"username": "u\n", "password": "p", "bearerToken": "b", "sshPrivateKey": "k", "tlsClientCertData": "c", "tlsClientCertKey": "ck",
				"proxy": "http://user:pw@proxy.example.com:3128", "noProxy": "a,b", "insecureOCIForceHttp": "true", "githubAppPrivateKey": "not looked at"}},
			want: trusting(git.Credentials{Username: "u", Password: "p", BearerToken: "b", SSHKey: []byte("k"), ClientCert: []byte("c"), ClientKey: []byte("ck"), PlainHTTP: true,
				Proxy: &git.Proxy{Address: "http://proxy.example.com:3128", Username: "user", Password: "pw", Except: "a,b"}})},
		{name: "Argo CD's, of a GitHub App", repository: gitindex.Repository{Secret: argoCDs("a")},
			secrets: map[string]map[string]string{"argocd/a": {"githubAppID": "1", "githubAppInstallationID": "2", "githubAppPrivateKey": "k", "githubAppEnterpriseBaseUrl": "https://ghe.example.com/api/v3/"}},
			want:    trusting(git.Credentials{App: &git.GitHubApp{ID: 1, Installation: 2, PrivateKey: []byte("k"), URL: "https://ghe.example.com/api/v3"}})},
		{name: "Argo CD's, of another cloud", repository: gitindex.Repository{Secret: argoCDs("a")}, secrets: map[string]map[string]string{"argocd/a": {"gcpServiceAccountKey": "hunter2"}},
			err: `reading Secret "argocd/a": its key gcpServiceAccountKey is a way to log in that gitonly doesn't have: use a token, a key or a GitHub App`},
		{name: "Argo CD's, of a workload's identity", repository: gitindex.Repository{Secret: argoCDs("a")}, secrets: map[string]map[string]string{"argocd/a": {"useAzureWorkloadIdentity": "true"}},
			err: `reading Secret "argocd/a": useAzureWorkloadIdentity is a way to log in that gitonly doesn't have: use a token, a key or a GitHub App`},
		{name: "Argo CD's, with a proxy that is none", repository: gitindex.Repository{Secret: argoCDs("a")}, secrets: map[string]map[string]string{"argocd/a": {"proxy": "hunter2"}},
			err: `reading Secret "argocd/a": its key proxy: it is not the URL of a proxy: write one as http://proxy.example.com:3128`},
		{name: "Argo CD's, of a GitHub App without its number", repository: gitindex.Repository{Secret: argoCDs("a")}, secrets: map[string]map[string]string{"argocd/a": {"githubAppPrivateKey": "hunter2", "githubAppID": "hunter2"}},
			err: `reading Secret "argocd/a": its key githubAppID is not a number, as the ids of GitHub Apps and their installations are`},
		{name: "one that isn't there", repository: gitindex.Repository{Secret: argoCDs("b")}, err: "reading Secret argocd/b: not found"},

		{name: "Flux's, of a GitHub App", repository: gitindex.Repository{Secret: plain},
			secrets: map[string]map[string]string{"flux-system/infra": {"githubAppID": "1", "githubAppInstallationOwner": "org", "githubAppPrivateKey": "k", "githubAppBaseURL": "https://ghe.example.com/api/v3"}},
			want:    git.Credentials{App: &git.GitHubApp{ID: 1, Owner: "org", PrivateKey: []byte("k"), URL: "https://ghe.example.com/api/v3"}}},
		{name: "Flux's, of a GitHub App without a key", repository: gitindex.Repository{Secret: plain}, secrets: map[string]map[string]string{"flux-system/infra": {"githubAppID": "1"}},
			err: `reading Secret "flux-system/infra": its key githubAppPrivateKey is missing`},
		{name: "certificates and a proxy in Secrets of their own",
			repository: gitindex.Repository{Certificates: gitindex.SecretRef{Name: "tls"}, Proxy: gitindex.SecretRef{Name: "proxy"}},
			secrets: map[string]map[string]string{"tls": {"ca.crt": "ca", "tls.crt": "c", "tls.key": "k", "username": "not looked at"},
				"proxy": {"address": "https://proxy.example.com", "username": "u", "password": "p"}},
			want: git.Credentials{CA: []byte("ca"), ClientCert: []byte("c"), ClientKey: []byte("k"), Proxy: &git.Proxy{Address: "https://proxy.example.com", Username: "u", Password: "p"}}},
		{name: "certificates that are none", repository: gitindex.Repository{Certificates: gitindex.SecretRef{Name: "tls"}}, secrets: map[string]map[string]string{"tls": {"username": "u"}},
			err: `reading Secret "tls": it has none of the keys ca.crt, tls.crt and tls.key`},
		{name: "a proxy without an address", repository: gitindex.Repository{Proxy: gitindex.SecretRef{Name: "proxy"}}, secrets: map[string]map[string]string{"proxy": {"username": "u"}},
			err: `reading Secret "proxy": its key address is missing, the URL of a proxy`},
		{name: "a proxy of another kind", repository: gitindex.Repository{Proxy: gitindex.SecretRef{Name: "proxy"}}, secrets: map[string]map[string]string{"proxy": {"address": "ftp://hunter2@example.com"}},
			err: `reading Secret "proxy": its key address: it is not the URL of a proxy: write one as http://proxy.example.com:3128`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := git.CredentialsFrom(cabinet{secrets: test.secrets, maps: trust})(t.Context(), test.repository)
			if test.err != "" {
				wantError(t, err, test.err)
				wantNoSecret(t, err, "hunter2")
				return
			}
			must(t, err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("credentials differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccessAsArgoCDHasIt(t *testing.T) {
	r := newInfra(t)
	private, public, err := gitserver.GenerateKey()
	must(t, err)
	shell := serveSSH(t, r, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}})
	secure := serveHTTP(t, r, gitserver.HTTPOptions{Username: "agent", Password: password, TLS: true})
	other := serveHTTP(t, r, gitserver.HTTPOptions{TLS: true})
	for _, test := range []struct {
		name, url string
		secret    map[string]string // nil for none
		maps      map[string]map[string]string
		want      string
	}{
		{name: "a key, and known hosts", url: shell.URL, secret: map[string]string{"sshPrivateKey": string(private)},
			maps: map[string]map[string]string{"argocd/argocd-ssh-known-hosts-cm": {"ssh_known_hosts": string(shell.KnownHosts)}}},
		{name: "a password, and a host's certificates", url: secure.URL, secret: map[string]string{"username": "agent", "password": password, "insecure": "true"},
			maps: map[string]map[string]string{"argocd/argocd-tls-certs-cm": {"127.0.0.1": string(secure.CA)}}},

		{name: "no known hosts", url: shell.URL, secret: map[string]string{"sshPrivateKey": string(private), "insecureIgnoreHostKey": "true"},
			want: `fetching URL: the host key of ` + shell.Address + ` can't be checked: add it to ssh_known_hosts in ConfigMap "argocd/argocd-ssh-known-hosts-cm"`},
		{name: "known hosts that can't be read", url: shell.URL, secret: map[string]string{"sshPrivateKey": string(private)},
			maps: map[string]map[string]string{"argocd/argocd-ssh-known-hosts-cm": {"ssh_known_hosts": "host ssh-ed25519 junk\n"}},
			want: `fetching URL: known_hosts can't be read: check ssh_known_hosts in ConfigMap "argocd/argocd-ssh-known-hosts-cm": knownhosts: known_hosts:1: ssh: short read`},
		{name: "no key", url: shell.URL, maps: map[string]map[string]string{"argocd/argocd-ssh-known-hosts-cm": {"ssh_known_hosts": string(shell.KnownHosts)}},
			want: `fetching URL: needs credentials: add a Secret with sshPrivateKey, an SSH private key, for the repository to namespace argocd of Argo CD`},
		{name: "no certificates", url: secure.URL, secret: map[string]string{"username": "agent", "password": password, "insecure": "true"},
			want: `connecting to URL: the server's certificate is signed by an unknown authority: add its CA as 127.0.0.1 in ConfigMap "argocd/argocd-tls-certs-cm" (what insecure says of it doesn't count)`},
		{name: "another's certificates", url: secure.URL,
			maps: map[string]map[string]string{"argocd/argocd-tls-certs-cm": {"127.0.0.1": string(other.CA)}},
			want: `connecting to URL: the server's certificate is not signed by the CA in 127.0.0.1 in ConfigMap "argocd/argocd-tls-certs-cm": correct it`},
		{name: "no password", url: secure.URL, maps: map[string]map[string]string{"argocd/argocd-tls-certs-cm": {"127.0.0.1": string(secure.CA)}},
			want: `fetching URL: needs credentials: add a Secret with username and password, or bearerToken, for the repository to namespace argocd of Argo CD`},
		{name: "a client's certificate that is none", url: secure.URL, secret: map[string]string{"tlsClientCertData": "hunter2", "tlsClientCertKey": "hunter2"},
			want: `fetching URL: the client's certificate and key can't be read, or don't belong together: check Secret "argocd/infra"`},
		{name: "a proxy for SSH", url: shell.URL, secret: map[string]string{"sshPrivateKey": string(private), "proxy": "http://proxy.example.com"},
			want: `fetching URL: its proxy is only used for https and http: use such a URL`},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := strings.TrimSuffix(test.url, infraName) + infraName
			from := cabinet{maps: test.maps}
			repository := onMain(url)
			repository.Secret = argoCDs("")
			if test.secret != nil {
				repository.Secret = argoCDs("infra")
				from.secrets = map[string]map[string]string{"argocd/infra": test.secret}
			}
			store := git.New(t.TempDir(), git.CredentialsFrom(from), git.Options{})
			if test.want == "" {
				_, tree := fetched(t, store, repository)
				wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
				return
			}
			_, err := store.Resolve(t.Context(), "infra", repository)
			wantError(t, err, strings.Replace(test.want, "URL", url, 1))
			wantNoSecret(t, err, password, "hunter2")
		})
	}
}
