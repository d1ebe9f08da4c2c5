package policy

import (
	"testing"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestLink(t *testing.T) {
	for _, test := range []struct {
		name, url, want string
	}{
		{"GitHub over HTTPS", "https://github.com/org/infra.git", "https://github.com/org/infra/blob/main/apps/a.yaml#L7"},
		{"GitHub over SSH, as git writes it", "git@github.com:org/infra.git", "https://github.com/org/infra/blob/main/apps/a.yaml#L7"},
		{"SSH with a port", "ssh://git@git.example.com:2222/org/infra", "https://git.example.com/org/infra/blob/main/apps/a.yaml#L7"},
		{"GitLab with a subgroup", "https://gitlab.com/org/team/infra", "https://gitlab.com/org/team/infra/-/blob/main/apps/a.yaml#L7"},
		{"Bitbucket", "https://bitbucket.org/org/infra", "https://bitbucket.org/org/infra/src/main/apps/a.yaml"},
		{"Gitea", "https://gitea.example.com/org/infra", "https://gitea.example.com/org/infra/src/branch/main/apps/a.yaml#L7"},
		{"plain HTTP has no page", "http://127.0.0.1:8080/infra.git", "apps/a.yaml in http://127.0.0.1:8080/infra.git"},
		{"a folder has no page", "file:///srv/infra", "apps/a.yaml in file:///srv/infra"},
	} {
		t.Run(test.name, func(t *testing.T) {
			origin := &gitindex.Origin{URL: test.url, Revision: gitindex.Revision{Name: "main", Commit: "4f2c1ab"}}
			if got := link(origin, "apps/a.yaml", 7); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAge(t *testing.T) {
	for seconds, want := range map[int]string{-3: "0s", 0: "0s", 12: "12s", 119: "119s", 120: "2m", 7199: "119m", 7200: "2h", 172800: "2d"} {
		if got := age(time.Duration(seconds) * time.Second); got != want {
			t.Errorf("%d seconds are %s, want %s", seconds, got, want)
		}
	}
}
