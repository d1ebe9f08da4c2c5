package gitindex_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestRedact(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"https://git.example.com/org/infra.git", "https://git.example.com/org/infra.git"},
		{"https://agent:pw@git.example.com/org/infra", "https://git.example.com/org/infra"},
		{"https://ghp_token@git.example.com/org/infra", "https://git.example.com/org/infra"},
		{"https://agent:p@w/o:rd@git.example.com:8443/org/infra", "https://git.example.com:8443/org/infra"},
		{"https://git.example.com/org/infra?private_token=pw#pw", "https://git.example.com/org/infra"},
		{"HTTPS://agent:pw@git.example.com/org", "https://git.example.com/org"},
		{"ssh://git@git.example.com/org/infra", "ssh://git@git.example.com/org/infra"},
		{"ssh://git:pw@git.example.com/org/infra", "ssh://git@git.example.com/org/infra"},
		{"git@git.example.com:org/infra.git", "git@git.example.com:org/infra.git"},
		{"git:pw@git.example.com:org/infra.git", "git.example.com:org/infra.git"},
		{"file:///srv/git/infra@home.git", "file:///srv/git/infra@home.git"},
		{"/srv/git:infra@home.git", "/srv/git:infra@home.git"},
		{"", ""},
	} {
		if got := gitindex.Redact(test.url); got != test.want {
			t.Errorf("Redact(%q) is %q, want %q", test.url, got, test.want)
		}
	}
}
