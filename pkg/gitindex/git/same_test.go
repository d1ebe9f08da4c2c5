package git_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestSameRepository(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"by two protocols":      {"https://git.example.com/org/infra.git", "git@git.example.com:org/infra", true},
		"by another port":       {"ssh://git@git.example.com:2222/org/infra", "https://token@git.example.com/Org/infra/", true},
		"a folder and its URL":  {"/srv/git/infra.git", "file:///srv/git/infra.git", true},
		"another repository":    {"https://git.example.com/org/infra", "https://git.example.com/org/apps", false},
		"another host":          {"https://git.example.com/org/infra", "https://git.example.org/org/infra", false},
		"what is no URL":        {"infra", "infra", false},
		"nothing, and the like": {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := git.SameRepository(c.a, c.b); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
