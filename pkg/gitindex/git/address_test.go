package git_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestURLsThatAreNone(t *testing.T) {
	const none = " is not the URL of a repository: "
	for _, test := range []struct{ name, url, want string }{
		{"nothing", "", "no URL is set: set one that begins with https://, ssh:// or file://, or user@host:path"},
		{"a relative path", "infra.git", "infra.git" + none + "begin it with https://, http://, ssh:// or file://, or write user@host:path"},
		{"another protocol", "git://git.example.com/org/infra", "git://git.example.com/org/infra" + none + "git:// is not supported: use https, http, ssh or file"},
		{"no host", "https:///org/infra", "https:///org/infra" + none + "it names no host"},
		{"no path", "https://git.example.com/", "https://git.example.com/" + none + "it names no path on the host"},
		{"a path that would be an option", "git@git.example.com:--upload-pack=x", "git@git.example.com:--upload-pack=x" + none + "its path begins with a dash"},
		{"a file URL with a host", "file://srv/git", "file://srv/git" + none + "a file URL has three slashes, as file:///srv/git/infra.git has"},
		{"a password with SSH's older spelling", "git:pw@git.example.com:org/infra", "git.example.com:org/infra" + none + "a password has no place in user@host:path"},
		{"a password that isn't encoded", "https://agent:p w%@git.example.com/org", "https://git.example.com/org" + none +
			"it can't be parsed; characters that are special in a URL are percent-encoded in a user and password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newStore(t, git.Credentials{}).Resolve(t.Context(), "infra", onMain(test.url))
			wantError(t, err, test.want)
		})
	}
}

func TestSSHByItsOlderSpelling(t *testing.T) {
	for url, server := range map[string]string{
		"git@git.example.com:org/infra.git": "git.example.com:22",
		"git.example.com:org/infra.git":     "git.example.com:22",
		"git@[2001:db8::1]:org/infra.git":   "[2001:db8::1]:22",
	} {
		_, err := newStore(t, git.Credentials{}).Resolve(t.Context(), "infra", onMain(url))
		wantError(t, err, "fetching "+url+": the host key of "+server+" can't be checked: set secretRef to a Secret with known_hosts")
	}
}
