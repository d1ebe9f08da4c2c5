package chart_test

import (
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/chart"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestBothFetchChartsAndGit(t *testing.T) {
	c := serveCharts(t, false, index("1.0.0"), "1.0.0")
	repository, err := gitserver.Init(t.TempDir())
	must(t, err)
	commit, err := repository.Commit(gitserver.Commit{Files: map[string]string{"a.yaml": "a: 1\n"}})
	must(t, err)
	both := chart.Both{Git: git.New(t.TempDir(), nil, git.Options{}), Charts: newStore(t, git.Credentials{})}
	for _, test := range []struct {
		repository       gitindex.Repository
		commit, in, want string
	}{
		{c.at("1.0.0"), sum(redis("1.0.0")), "Chart.yaml", "name: redis\nversion: 1.0.0\n"},
		{gitindex.Repository{URL: "file://" + repository.Dir}, commit, "a.yaml", "a: 1\n"},
	} {
		revision, err := both.Resolve(t.Context(), "source", test.repository)
		must(t, err)
		if revision.Commit != test.commit {
			t.Errorf("revision is %+v, want %s", revision, test.commit)
		}
		tree, err := both.Tree(t.Context(), "source", test.repository, revision)
		must(t, err)
		wantFile(t, tree, test.in, test.want)
	}
}
