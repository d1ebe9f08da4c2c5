package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// Every way of naming a commit, over a real protocol and straight from disk.
func TestResolve(t *testing.T) {
	r := newInfra(t)
	must(t, r.SetBranch("release-1", r.first))
	must(t, r.Tag("v1.0.0", r.first))
	must(t, r.AnnotatedTag("v1.1.0", r.second, "the second"))
	must(t, r.Tag("1.10.0", r.second))
	must(t, r.Tag("v2.0.0-rc.1", r.first))
	must(t, r.Tag("nightly", r.second))
	must(t, r.Tag("web/1.0.0", r.first))
	must(t, r.Tag("web/1.1.0", r.second))
	must(t, r.SetBranch("1.x", r.first))
	must(t, r.SetBranch("7.x", r.first))
	must(t, r.SetBranch("both", r.first))
	must(t, r.Tag("both", r.first))
	r.git("update-ref", "refs/pull/1/head", r.first)
	web := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName

	for _, test := range []struct {
		name         string
		ref          gitindex.Ref
		want, commit string
	}{
		{"no ref is the remote's HEAD", gitindex.Ref{}, "HEAD", r.second},
		{"a branch", gitindex.Ref{Branch: "release-1"}, "release-1", r.first},
		{"a tag", gitindex.Ref{Tag: "v1.0.0"}, "v1.0.0", r.first},
		{"an annotated tag is its commit", gitindex.Ref{Tag: "v1.1.0"}, "v1.1.0", r.second},
		{"a range takes the highest tag, by version and not by name", gitindex.Ref{SemVer: ">=1.0.0"}, "1.10.0", r.second},
		{"a range with an upper bound", gitindex.Ref{SemVer: ">=1.0.0 <1.10.0"}, "v1.1.0", r.second},
		{"a range by pattern", gitindex.Ref{SemVer: "1.0.x"}, "v1.0.0", r.first},
		{"a prerelease only if the range asks", gitindex.Ref{SemVer: ">=1.0.0-0"}, "v2.0.0-rc.1", r.first},
		{"a commit", gitindex.Ref{Commit: r.first}, "", r.first},
		{"a branch by its name alone", gitindex.Ref{Name: "release-1"}, "release-1", r.first},
		{"a tag by its name alone", gitindex.Ref{Name: "nightly"}, "nightly", r.second},
		{"an annotated tag by its name alone", gitindex.Ref{Name: "v1.1.0"}, "v1.1.0", r.second},
		{"a branch and a tag at the same commit", gitindex.Ref{Name: "both"}, "both", r.first},
		{"a full name", gitindex.Ref{Name: "refs/heads/release-1"}, "refs/heads/release-1", r.first},
		{"a ref that is neither branch nor tag", gitindex.Ref{Name: "refs/pull/1/head"}, "refs/pull/1/head", r.first},
		{"the same, shorter", gitindex.Ref{Name: "pull/1/head"}, "pull/1/head", r.first},
		{"HEAD by its name", gitindex.Ref{Name: "HEAD"}, "HEAD", r.second},
		{"a range by its name alone goes before a branch", gitindex.Ref{Name: "1.x"}, "1.10.0", r.second},
		{"a branch like a range that no tag is in", gitindex.Ref{Name: "7.x"}, "7.x", r.first},
		{"a range of tags with a prefix", gitindex.Ref{Name: "^1.0", TagPrefix: "web/"}, "web/1.1.0", r.second},
		{"a version of a tag with a prefix", gitindex.Ref{Name: "1.0.0", TagPrefix: "web/"}, "web/1.0.0", r.first},
		{"a short hash of a branch's commit", gitindex.Ref{Name: strings.ToUpper(r.first[:7])}, "", r.first},
		{"a full hash by name", gitindex.Ref{Name: r.first}, "", r.first},
		{"a commit in capitals", gitindex.Ref{Commit: strings.ToUpper(r.first)}, "", r.first},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, url := range []string{web, "file://" + r.Dir} {
				got, tree := fetched(t, newStore(t, git.Credentials{}), at(url, test.ref))
				wantRevision(t, got, test.want, test.commit)
				replicas := map[string]string{r.first: "replicas: 1\n", r.second: "replicas: 2\n"}
				wantFile(t, tree, "apps/web.yaml", replicas[test.commit])
			}
		})
	}
}

func TestResolveSaysWhatIsMissing(t *testing.T) {
	r := newInfra(t)
	must(t, r.SetBranch("release-1", r.first))
	must(t, r.Tag("v1.0.0", r.first))
	must(t, r.Tag("v1.10.0", r.first))
	must(t, r.Tag("v1.9.0", r.first))
	must(t, r.SetBranch("both", r.first))
	must(t, r.Tag("both", r.second))
	tagless := newInfra(t)
	many := newInfra(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		must(t, many.SetBranch(name, many.first))
	}
	headless := newInfra(t)
	headless.git("symbolic-ref", "HEAD", "refs/heads/master")

	for _, test := range []struct {
		name string
		repo *infra
		ref  gitindex.Ref
		want string
	}{
		{"a branch", r, gitindex.Ref{Branch: "mian"}, `branch "mian" does not exist (branches there: both, main, release-1)`},
		{"a branch, with many there", many, gitindex.Ref{Branch: "g"}, `branch "g" does not exist (branches there: a, b, c, d, e and 2 more)`},
		{"a tag", r, gitindex.Ref{Tag: "v3"}, `tag "v3" does not exist (tags there: v1.10.0, v1.9.0, v1.0.0, both)`},
		{"a tag, where there are none", tagless, gitindex.Ref{Tag: "v3"}, `tag "v3" does not exist (there are no tags)`},
		{"a range", r, gitindex.Ref{SemVer: ">=2.0.0"}, `no tag matches ">=2.0.0" (tags there: v1.10.0, v1.9.0, v1.0.0, both)`},
		{"a range that is none", r, gitindex.Ref{SemVer: "newest"}, `semver "newest" is not a range: write one such as ">=1.2.0 <2.0.0"`},
		{"a hash cut short", r, gitindex.Ref{Commit: "4f2c1ab"}, `commit "4f2c1ab" is not a full hash: write all 40 hexadecimal digits`},
		{"a name", r, gitindex.Ref{Name: "mian"}, `"mian" is neither a branch nor a tag (branches there: both, main, release-1)`},
		{"a name that is two", r, gitindex.Ref{Name: "both"}, `"both" is a branch and a tag, at different commits: write refs/heads/both or refs/tags/both`},
		{"a range by name", r, gitindex.Ref{Name: ">=2.0.0"}, `no tag matches ">=2.0.0" (tags there: v1.10.0, v1.9.0, v1.0.0, both)`},
		{"a prefix without a version", r, gitindex.Ref{Name: "main", TagPrefix: "web/"}, `"main" is no version and no range of versions, as a prefix of tags (web/) needs one`},
		{"a short hash that no branch is at", r, gitindex.Ref{Name: "abcdef0"}, `"abcdef0" may be the beginning of a commit's hash, but not of one that a branch or tag is at: write all 40 hexadecimal digits`},
		{"a HEAD that leads nowhere", headless, gitindex.Ref{}, `HEAD names no commit: set ref.branch (branches there: main)`},
		{"a ref that is two", r, gitindex.Ref{Branch: "main", Tag: "v1.0.0"}, `the ref names several things: set one of branch, tag, semver and commit`},
	} {
		t.Run(test.name, func(t *testing.T) {
			web := serveHTTP(t, test.repo, gitserver.HTTPOptions{}).URL + infraName
			for _, url := range []string{web, "file://" + test.repo.Dir} {
				_, err := newStore(t, git.Credentials{}).Resolve(t.Context(), "infra", at(url, test.ref))
				wantError(t, err, "fetching "+url+": "+test.want)
			}
		})
	}
}

func TestResolveSaysThatARepositoryIsEmpty(t *testing.T) {
	root := t.TempDir()
	repository, err := gitserver.Init(filepath.Join(root, "org", "infra.git"))
	must(t, err)
	empty := &infra{Repository: repository, t: t, root: root}
	private, public, err := gitserver.GenerateKey()
	must(t, err)
	shell := serveSSH(t, empty, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}})
	store := newStore(t, git.Credentials{SSHKey: private, KnownHosts: shell.KnownHosts})

	for _, url := range []string{
		serveHTTP(t, empty, gitserver.HTTPOptions{}).URL + infraName,
		shell.URL + infraName,
		"file://" + empty.Dir,
	} {
		_, err := store.Resolve(t.Context(), "infra", withSecret(onMain(url)))
		wantError(t, err, "fetching "+url+": the repository is empty: it has no commits yet")
	}
}

func TestRefsThatMove(t *testing.T) {
	for _, test := range []struct {
		name string
		ref  gitindex.Ref
		move func(*infra) (commit string)
	}{
		{"a branch that is pushed to", gitindex.Ref{Branch: "main"}, func(r *infra) string {
			return r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "moved\n"}})
		}},
		{"a branch that is force-pushed to unrelated history", gitindex.Ref{Branch: "main"}, func(r *infra) string {
			return r.commit(gitserver.Commit{Orphan: true, Files: map[string]string{"apps/web.yaml": "moved\n"}})
		}},
		{"a branch that is rewound", gitindex.Ref{Branch: "main"}, func(r *infra) string {
			moved := r.commit(gitserver.Commit{Branch: "next", Parent: r.first, Files: map[string]string{"apps/web.yaml": "moved\n"}})
			must(r.t, r.SetBranch("main", moved))
			return moved
		}},
		{"a tag that is moved", gitindex.Ref{Tag: "live"}, func(r *infra) string {
			moved := r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "moved\n"}})
			must(r.t, r.AnnotatedTag("live", moved, "now"))
			return moved
		}},
		{"a range that a new tag matches", gitindex.Ref{SemVer: "1.x"}, func(r *infra) string {
			moved := r.commit(gitserver.Commit{Files: map[string]string{"apps/web.yaml": "moved\n"}})
			must(r.t, r.Tag("v1.2.0", moved))
			return moved
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newInfra(t)
			must(t, r.Tag("live", r.second))
			must(t, r.Tag("v1.1.0", r.second))
			repository := at(serveHTTP(t, r, gitserver.HTTPOptions{}).URL+infraName, test.ref)
			store := newStore(t, git.Credentials{})
			before, old := fetched(t, store, repository)

			commit := test.move(r)

			after, tree := fetched(t, store, repository)
			if before.Commit != r.second || after.Commit != commit {
				t.Errorf("moved from %s to %s, want from %s to %s", before.Commit, after.Commit, r.second, commit)
			}
			wantFile(t, tree, "apps/web.yaml", "moved\n")
			wantFile(t, old, "apps/web.yaml", "replicas: 2\n")
		})
	}
}
